"""Decisions of the clock: what is due, in the order in which it became due."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from penstock.domain.errors import ErrorCode, Failure, StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.listening import passed_by
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events, awaits, timed_out, triggered
from penstock.domain.execution.moving.ending import failing
from penstock.domain.execution.state import BackingOff, Execution, FailedStep, OpenTask, OpenTimer, visit_dues
from penstock.domain.execution.tasks import attempt_failed, try_again
from penstock.domain.execution.withdrawal import withdrawn
from penstock.domain.steps.leaving import leave
from penstock.domain.steps.listen import TIMEOUT

MAX_FIRED: Final = 500
"""Events of one decision of the clock; what else is due is due again at once."""

_ITSELF: Final = -1


class _Due(NamedTuple):
    at: datetime
    visit: int
    option: int
    """Of the visit's waits; ``_ITSELF``: the visit's own moment."""


def fire_timers(state: Execution, command: c.FireTimers, at: Moment) -> Events:
    """Everything that is due now, as long as it is still open when its turn comes; nothing while paused."""
    if state.mode == "paused":
        return ()
    if state.mode == "failed":
        return _purge(state, at)
    if state.deadline is not None and state.deadline <= at.now:
        failure = Failure(
            code=ErrorCode.EXECUTION_TIMED_OUT, message=f"expected an end by {state.deadline.isoformat()}"
        )
        return failing(state, failure, at)
    fired: list[e.ExecutionEvent] = []
    for due in _due(state, command, at):
        for event in _fire(state, due, at):
            after = evolve(state, event, at.now)
            fired.append(event)
            if not isinstance(after, Execution):
                return tuple(fired)
            state = after
        if len(fired) >= MAX_FIRED:
            break
    return tuple(fired)


def _due(state: Execution, command: c.FireTimers, at: Moment) -> list[_Due]:
    due = [
        _Due(min(dues), number, _ITSELF)
        for number, visit in state.visits.items()
        if (dues := [moment for moment in visit_dues(number, visit, command.beats) if moment <= at.now])
    ]
    due.extend(
        _Due(moment, number, option)
        for number, waits in state.waits.items()
        for option, moment in waits.timers.items()
        if moment <= at.now
    )
    return sorted(due)


def _fire(state: Execution, due: _Due, at: Moment) -> Events:
    visit = state.visits.get(due.visit)
    if visit is None or isinstance(visit, FailedStep):
        return ()
    if due.option != _ITSELF:
        return _option(state, due, at)
    match visit:
        case OpenTimer():
            return (_fired(state, due.visit, visit, at),)
        case BackingOff():
            return try_again(state, due.visit, at)
        case OpenTask():
            return _expired(state, due.visit, visit, at)
        case _:
            return ()


def _option(state: Execution, due: _Due, at: Moment) -> Events:
    if due.option == TIMEOUT:
        return timed_out(state, due.visit, at)
    if not awaits(due.option):
        return triggered(state, due.visit, due.option, "timer", at)
    return passed_by(state, due.visit, due.option, None, at, e.TimerFired)


def _fired(state: Execution, number: int, timer: OpenTimer, at: Moment) -> e.ExecutionEvent:
    try:
        taken, evaluations = leave(at.definition.graph.steps[timer.step], at.names(state, timer.scope))
    except StepFailure as error:
        return e.StepFailed(visit=number, step=timer.step, scope=timer.scope, failure=error.failure)
    return e.TimerFired(visit=number, step=timer.step, taken=taken, evaluations=evaluations)


def _expired(state: Execution, number: int, task: OpenTask, at: Moment) -> Events:
    claim = task.claim
    if claim is None:
        if task.start_by is not None and task.start_by <= at.now:
            message = f"expected a worker to begin by {task.start_by.isoformat()}"
            failure = Failure(code=ErrorCode.TASK_NOT_STARTED, message=message)
            return (attempt_failed(state, number, task, failure, at),)
        return try_again(state, number, at)
    if claim.expires_at is not None and claim.expires_at <= at.now:
        message = f"expected {claim.worker} to end by {claim.expires_at.isoformat()}"
        failure = Failure(code=ErrorCode.TASK_TIMED_OUT, message=message)
        return (attempt_failed(state, number, task, failure, at),)
    message = f"expected a heartbeat of {claim.worker} every {claim.heartbeat} s"
    return (attempt_failed(state, number, task, Failure(code=ErrorCode.TASK_LOST, message=message), at),)


def _purge(state: Execution, at: Moment) -> Events:
    if state.purge_at is None or state.purge_at > at.now:
        return ()
    ended = e.ExecutionTerminated(reason="failed for too long", by="clock", status="terminated")
    return (*withdrawn(state, ended.reason, force=True), ended)
