"""What the events of tasks make of a state."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.visits import entered, left, undoable, undone, visit_of
from penstock.domain.execution.places import HistoryBroken, assigned, kept
from penstock.domain.execution.state import BackingOff, Claim, Execution, FailedStep, OpenTask, Visit


def apply_task(state: Execution, event: e.TaskEvent, at: datetime) -> Execution:
    match event:
        case e.TaskScheduled():
            return _scheduled(state, event, at)
        case e.TaskCompleted():
            return _completed(state, event)
        case e.TaskClaimed():
            return _claimed(state, event, at)
        case e.TaskFailed():
            return _failed(state, event)
        case _:
            assert_never(event)


def _scheduled(state: Execution, event: e.TaskScheduled, at: datetime) -> Execution:
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
        undoes=event.undoes,
        adhoc=(event.task, event.queue) if event.adhoc is not None else None,
    )
    after = entered(state, event.visit, task, event.consumed)
    waiting = after.visits.get(event.undoes or 0)
    if isinstance(waiting, BackingOff):
        return replace(after, visits={**after.visits, event.undoes or 0: replace(waiting, undoing=True)})
    return after


def _claimed(state: Execution, event: e.TaskClaimed, at: datetime) -> Execution:
    task = state.visits.get(event.visit)
    if not isinstance(task, OpenTask):
        raise HistoryBroken(f"expected visit {event.visit} to be an open task when it is claimed, but it is {task!r}")
    claim = Claim(
        worker=event.worker, token=event.token, claimed_at=at, expires_at=event.expires_at, heartbeat=event.heartbeat
    )
    return replace(state, visits={**state.visits, event.visit: replace(task, claim=claim)})


def _completed(state: Execution, event: e.TaskCompleted) -> Execution:
    visit = visit_of(state, event.visit)
    scope = visit.scope
    after = left(state, event.visit, event.taken)
    if event.keep:
        after = kept(after, scope, event.step, event.output)
    after = assigned(after, scope, event.set)
    if event.undo is not None:
        after = undoable(after, event.visit, event.step, scope, event.undo)
    undoes: int | None = getattr(visit, "undoes", None)
    return after if undoes is None else undone(after, undoes)


def _failed(state: Execution, event: e.TaskFailed) -> Execution:
    task = visit_of(state, event.visit)
    payload: Any = getattr(task, "input", None)
    undoes, adhoc = getattr(task, "undoes", None), getattr(task, "adhoc", None)
    after: Visit
    if event.retry_at is None:
        after = FailedStep(
            step=event.step,
            scope=task.scope,
            attempt=event.attempt,
            input=payload,
            failure=event.failure,
            undoes=undoes,
            adhoc=adhoc,
        )
    else:
        after = BackingOff(
            step=event.step,
            scope=task.scope,
            attempt=event.attempt,
            tries=getattr(task, "tries", 1),
            input=payload,
            retry_at=event.retry_at,
            undoes=undoes,
            adhoc=adhoc,
        )
    failed = replace(state, visits={**state.visits, event.visit: after})
    return failed if event.undo is None else undoable(failed, event.visit, event.step, task.scope, event.undo)
