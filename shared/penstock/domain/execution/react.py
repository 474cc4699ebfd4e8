"""The verb ``react``: what an event obliges the world to do."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import DispatchTask, Effect, WithdrawTask, task_id

_EXPIRIES = frozenset({ErrorCode.TASK_TIMED_OUT, ErrorCode.TASK_LOST, ErrorCode.TASK_NOT_STARTED})


def react(execution_id: str, event: e.ExecutionEvent) -> tuple[Effect, ...]:
    """The effects of ``event`` of the execution ``execution_id``, in order."""
    match event:
        case e.TaskScheduled():
            return (_dispatch(execution_id, event),)
        case e.StepCancelled(visit=visit, step=step, attempt=attempt, reason=reason):
            if not attempt:
                return ()
            withdrawn = task_id(execution_id, step, visit, attempt)
            return (WithdrawTask(task_id=withdrawn, execution_id=execution_id, reason=reason),)
        case e.TaskFailed(visit=visit, step=step, attempt=attempt, failure=failure) if failure.code in _EXPIRIES:
            expired = task_id(execution_id, step, visit, attempt)
            return (WithdrawTask(task_id=expired, execution_id=execution_id, reason=failure.code),)
        case (
            e.ExecutionStarted()
            | e.TaskClaimed()
            | e.TaskCompleted()
            | e.TaskFailed()
            | e.TimerStarted()
            | e.TimerFired()
            | e.StepPassed()
            | e.StepFailed()
            | e.ExecutionPaused()
            | e.ExecutionResumed()
            | e.ExecutionFailed()
            | e.ExecutionRetried()
            | e.BiteTaken()
            | e.ExecutionCompleted()
            | e.ExecutionCancelled()
            | e.ExecutionTerminated()
        ):
            return ()
        case _:
            assert_never(event)


def _dispatch(execution_id: str, event: e.TaskScheduled) -> DispatchTask:
    return DispatchTask(
        task_id=task_id(execution_id, event.step, event.visit, event.attempt),
        execution_id=execution_id,
        step=event.step,
        visit=event.visit,
        attempt=event.attempt,
        task=event.task,
        queue=event.queue,
        input=event.input,
        timeout=event.timeout,
        heartbeat=event.heartbeat,
        claim=event.claim,
        start_by=event.start_by,
    )
