"""Decisions of the clock: what is due, in the order in which it became due."""

from __future__ import annotations

from penstock.domain.errors import ErrorCode, Failure, StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.failed import execution_failed
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.state import BackingOff, Execution, OpenTask, OpenTimer, Visit, visit_dues
from penstock.domain.execution.tasks import attempt_failed, try_again
from penstock.domain.execution.withdrawal import withdrawn
from penstock.domain.steps.leaving import leave


def fire_timers(state: Execution, command: c.FireTimers, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """Everything that is due now; nothing while the execution is paused."""
    if state.mode == "paused":
        return ()
    if state.mode == "failed":
        return _purge(state, at)
    if state.deadline is not None and state.deadline <= at.now:
        failure = Failure(
            code=ErrorCode.EXECUTION_TIMED_OUT, message=f"expected an end by {state.deadline.isoformat()}"
        )
        return (execution_failed(failure, at),)
    due = sorted(
        (min(dues), number)
        for number, visit in state.visits.items()
        if (dues := [moment for moment in visit_dues(number, visit, command.beats) if moment <= at.now])
    )
    return tuple(_due(state, number, state.visits[number], at) for _, number in due)


def _due(state: Execution, number: int, visit: Visit, at: Moment) -> e.ExecutionEvent:
    match visit:
        case OpenTimer(step=step):
            return _fired(state, number, visit, step, at)
        case BackingOff():
            return try_again(state, number, at)
        case OpenTask():
            return _expired(state, number, visit, at)
        case _:
            raise TypeError(f"expected something that can be due at visit {number}, but it is {visit!r}")


def _fired(state: Execution, number: int, timer: OpenTimer, step: str, at: Moment) -> e.ExecutionEvent:
    try:
        taken, evaluations = leave(at.definition.graph.steps[step], at.names(state))
    except StepFailure as error:
        return e.StepFailed(visit=number, step=step, scope=timer.scope, failure=error.failure)
    return e.TimerFired(visit=number, step=step, taken=taken, evaluations=evaluations)


def _expired(state: Execution, number: int, task: OpenTask, at: Moment) -> e.ExecutionEvent:
    claim = task.claim
    if claim is None:
        if task.start_by is not None and task.start_by <= at.now:
            message = f"expected a worker to begin by {task.start_by.isoformat()}"
            return attempt_failed(number, task, Failure(code=ErrorCode.TASK_NOT_STARTED, message=message), at)
        return try_again(state, number, at)
    if claim.expires_at is not None and claim.expires_at <= at.now:
        message = f"expected {claim.worker} to end by {claim.expires_at.isoformat()}"
        return attempt_failed(number, task, Failure(code=ErrorCode.TASK_TIMED_OUT, message=message), at)
    message = f"expected a heartbeat of {claim.worker} every {claim.heartbeat} s"
    return attempt_failed(number, task, Failure(code=ErrorCode.TASK_LOST, message=message), at)


def _purge(state: Execution, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    if state.purge_at is None or state.purge_at > at.now:
        return ()
    ended = e.ExecutionTerminated(reason="failed for too long", by="clock", status="terminated")
    return (*withdrawn(state, ended.reason), ended)
