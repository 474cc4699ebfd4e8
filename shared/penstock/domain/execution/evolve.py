"""
The verb ``evolve``: what an event makes of a state. It looks at nothing but the event (decisions 8), never refuses,
and its meaning for a released event never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.state import (
    BackingOff,
    Claim,
    Ended,
    Execution,
    ExecutionState,
    FailedStep,
    NotStarted,
    OpenTask,
    OpenTimer,
    Origin,
    Visit,
)


def evolve(state: ExecutionState, event: e.ExecutionEvent, at: datetime) -> ExecutionState:
    """The state after ``event``, which was recorded ``at``."""
    if isinstance(event, e.ExecutionStarted):
        return _started(event, at)
    if not isinstance(state, Execution):
        raise HistoryBroken(
            f"expected an open execution before {type(event).__name__}, but it is {type(state).__name__}"
        )
    after = _apply(state, event, at)
    if event.status is not None and isinstance(after, Execution):
        return replace(after, status=event.status)
    return after


class HistoryBroken(Exception):
    """The events of one execution do not follow from one another: the log was changed, or this is our defect."""


def _apply(state: Execution, event: e.ExecutionEvent, at: datetime) -> ExecutionState:
    match event:
        case e.TaskScheduled():
            return _task_scheduled(state, event, at)
        case e.TaskClaimed():
            return _task_claimed(state, event, at)
        case e.TaskCompleted():
            return _task_completed(state, event)
        case e.TaskFailed():
            return _task_failed(state, event)
        case e.TimerStarted():
            return _timer_started(state, event)
        case e.TimerFired():
            return _left(state, event.visit, event.taken)
        case e.StepPassed():
            return _step_passed(state, event)
        case e.StepFailed():
            return _step_failed(state, event)
        case e.StepCancelled():
            return replace(state, visits=_without(state.visits, event.visit))
        case e.ExecutionPaused():
            return replace(state, mode="paused")
        case e.ExecutionResumed():
            return replace(state, mode="running", unfinished=False)
        case e.ExecutionFailed():
            return replace(state, mode="failed", purge_at=event.purge_at, unfinished=False)
        case e.ExecutionRetried():
            return _retried(state, event)
        case e.BiteTaken():
            return replace(state, bites=state.bites + 1, unfinished=True)
        case e.ExecutionCompleted():
            return Ended(outcome="completed", output=event.output)
        case e.ExecutionCancelled():
            return Ended(outcome="cancelled")
        case e.ExecutionTerminated():
            return Ended(outcome="terminated")
        case e.ExecutionStarted():
            return state
        case _:
            assert_never(event)


def fold(events: Iterable[tuple[e.ExecutionEvent, datetime]]) -> ExecutionState:
    """The state that a history leads to."""
    state: ExecutionState = NotStarted()
    for event, at in events:
        state = evolve(state, event, at)
    return state


def _started(event: e.ExecutionStarted, at: datetime) -> Execution:
    origin = Origin(
        definition=event.definition,
        version=event.version,
        digest=event.digest,
        started_at=at,
        business_key=event.business_key,
        initiated_by=event.initiated_by,
    )
    tokens = _placed({}, 0, event.taken)
    variables = {**event.variables, **event.input}
    return Execution(origin=origin, variables=variables, tokens=tokens, deadline=event.deadline)


def _task_scheduled(state: Execution, event: e.TaskScheduled, at: datetime) -> Execution:
    earlier = state.visits.get(event.visit)
    tries = 1
    if isinstance(earlier, BackingOff):
        tries = earlier.tries + 1
    elif isinstance(earlier, OpenTask):
        tries = earlier.tries
    task = OpenTask(
        step=event.step,
        scope=event.scope,
        attempt=event.attempt,
        tries=tries,
        input=event.input,
        scheduled_at=at,
        start_by=event.start_by,
    )
    return _entered(state, event.visit, task, event.consumed)


def _task_claimed(state: Execution, event: e.TaskClaimed, at: datetime) -> Execution:
    task = state.visits.get(event.visit)
    if not isinstance(task, OpenTask):
        raise HistoryBroken(f"expected visit {event.visit} to be an open task when it is claimed, but it is {task!r}")
    claim = Claim(
        worker=event.worker, token=event.token, claimed_at=at, expires_at=event.expires_at, heartbeat=event.heartbeat
    )
    return replace(state, visits={**state.visits, event.visit: replace(task, claim=claim)})


def _task_completed(state: Execution, event: e.TaskCompleted) -> Execution:
    after = _left(state, event.visit, event.taken)
    if event.keep:
        after = replace(after, results={**after.results, event.step: event.output})
    if event.set:
        after = replace(after, variables={**after.variables, **event.set})
    return after


def _task_failed(state: Execution, event: e.TaskFailed) -> Execution:
    task = _visit(state, event.visit)
    payload: Any = getattr(task, "input", None)
    after: Visit
    if event.retry_at is None:
        after = FailedStep(
            step=event.step, scope=task.scope, attempt=event.attempt, input=payload, failure=event.failure
        )
    else:
        after = BackingOff(
            step=event.step,
            scope=task.scope,
            attempt=event.attempt,
            tries=getattr(task, "tries", 1),
            input=payload,
            retry_at=event.retry_at,
        )
    return replace(state, visits={**state.visits, event.visit: after})


def _timer_started(state: Execution, event: e.TimerStarted) -> Execution:
    timer = OpenTimer(step=event.step, scope=event.scope, due_at=event.due_at)
    return _entered(state, event.visit, timer, event.consumed)


def _step_failed(state: Execution, event: e.StepFailed) -> Execution:
    failed = FailedStep(step=event.step, scope=event.scope, failure=event.failure)
    return _entered(state, event.visit, failed, event.consumed)


def _step_passed(state: Execution, event: e.StepPassed) -> Execution:
    tokens = _placed(_consumed(state.tokens, event.scope, event.consumed), event.scope, event.taken)
    return replace(
        state,
        tokens=tokens,
        visits=_without(state.visits, event.visit),
        next_visit=max(state.next_visit, event.visit + 1),
        variables={**state.variables, **event.set} if event.set else state.variables,
        unfinished=False,
    )


def _retried(state: Execution, event: e.ExecutionRetried) -> Execution:
    """The failed visits stay as they are: the events that follow enter each of them again."""
    return replace(state, mode="running", purge_at=None, bites=0, deadline=event.deadline)


def _entered(state: Execution, number: int, visit: Visit, consumed: tuple[str, ...]) -> Execution:
    return replace(
        state,
        tokens=_consumed(state.tokens, visit.scope, consumed),
        visits={**state.visits, number: visit},
        next_visit=max(state.next_visit, number + 1),
        unfinished=False,
    )


def _left(state: Execution, number: int, taken: tuple[str, ...]) -> Execution:
    scope = _visit(state, number).scope
    return replace(
        state,
        tokens=_placed(state.tokens, scope, taken),
        visits=_without(state.visits, number),
        bites=0,
        unfinished=False,
    )


def _visit(state: Execution, number: int) -> Visit:
    try:
        return state.visits[number]
    except KeyError:
        raise HistoryBroken(f"expected visit {number} to be open, but it is not") from None


def _without(visits: dict[int, Visit], number: int) -> dict[int, Visit]:
    return {n: v for n, v in visits.items() if n != number} if number in visits else visits


def _placed(tokens: dict[int, dict[str, int]], scope: int, taken: tuple[str, ...]) -> dict[int, dict[str, int]]:
    if not taken:
        return tokens
    lying = dict(tokens.get(scope, {}))
    for transition in taken:
        lying[transition] = lying.get(transition, 0) + 1
    return {**tokens, scope: lying}


def _consumed(tokens: dict[int, dict[str, int]], scope: int, consumed: tuple[str, ...]) -> dict[int, dict[str, int]]:
    if not consumed:
        return tokens
    lying = dict(tokens.get(scope, {}))
    for transition in consumed:
        if lying.get(transition, 0) < 1:
            raise HistoryBroken(f"expected a token on {transition!r} in scope {scope}, but there is none")
        lying[transition] -= 1
        if not lying[transition]:
            del lying[transition]
    rest = {s: t for s, t in tokens.items() if s != scope}
    return {**rest, scope: lying} if lying else rest
