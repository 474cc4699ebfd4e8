"""
The verb ``decide``: what a command makes happen, by itself. Where the tokens go from there is ``moves.py``; the two
meet in ``turn.py``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.input import checked_input
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.state import Ended, Execution, ExecutionState, FailedStep, NotStarted
from penstock.domain.execution.tasks import claim_task, complete_task, fail_task, heartbeat_task, try_again
from penstock.domain.execution.timers import fire_timers
from penstock.domain.execution.withdrawal import withdrawn
from penstock.domain.rejected import Rejected, RejectionCode


def decide(state: ExecutionState, command: c.ExecutionCommand, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """
    The events that ``command`` causes directly; none when it was done already.

    Raises:
        Rejected: the command can never succeed in this state.

    """
    match command:
        case c.StartExecution():
            return _start(state, command, at)
        case c.FireTimers():
            return fire_timers(state, command, at) if isinstance(state, Execution) else ()
        case c.ClaimTask():
            return claim_task(_open(state, command), command, at)
        case c.HeartbeatTask():
            return heartbeat_task(_open(state, command), command)
        case c.CompleteTask():
            return complete_task(_open(state, command), command, at)
        case c.FailTask():
            return fail_task(_open(state, command), command, at)
        case c.PauseExecution():
            return _pause(_open(state, command), command)
        case c.ResumeExecution():
            return _resume(_open(state, command), command)
        case c.CancelExecution():
            return _cancel(_open(state, command), command)
        case c.TerminateExecution():
            return _terminate(_open(state, command), command)
        case c.RetryExecution():
            return _retry(_open(state, command), command, at)
        case _:
            assert_never(command)


def _open(state: ExecutionState, command: c.ExecutionCommand) -> Execution:
    match state:
        case Execution():
            return state
        case NotStarted():
            raise Rejected(
                RejectionCode.EXECUTION_UNKNOWN,
                f"expected an execution for {_verb(command)}, but nobody has started it",
            )
        case Ended(outcome=outcome):
            raise Rejected(
                RejectionCode.EXECUTION_ENDED, f"expected an open execution for {_verb(command)}, but it is {outcome}"
            )
        case _:
            assert_never(state)


def _start(state: ExecutionState, command: c.StartExecution, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    if not isinstance(state, NotStarted):
        raise Rejected(RejectionCode.EXECUTION_EXISTS, f"expected a new id, but {at.execution_id} was started before")
    graph = at.definition.graph
    checked_input(at.definition, command.input)
    return (
        e.ExecutionStarted(
            definition=graph.id,
            version=graph.version,
            digest=at.definition.digest,
            input=command.input,
            variables=graph.variables,
            taken=tuple(t.id for t in graph.start),
            business_key=command.business_key,
            tags=command.tags,
            priority=command.priority,
            initiated_by=command.initiated_by,
            deadline=_deadline(at),
            status="running",
        ),
    )


def _pause(state: Execution, command: c.PauseExecution) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "paused":
        return ()
    if state.mode == "failed":
        raise _forbidden(state, "paused")
    return (e.ExecutionPaused(reason=command.reason, by=command.by, status="paused"),)


def _resume(state: Execution, command: c.ResumeExecution) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "running":
        return ()
    if state.mode == "failed":
        raise _forbidden(state, "running", "retry it instead")
    return (e.ExecutionResumed(by=command.by, status="running"),)


def _cancel(state: Execution, command: c.CancelExecution) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "failed":
        raise _forbidden(state, "cancelled", "terminate or retry it instead")
    ended = e.ExecutionCancelled(reason=command.reason, by=command.by, status="cancelled")
    return (*withdrawn(state, "execution cancelled"), ended)


def _terminate(state: Execution, command: c.TerminateExecution) -> tuple[e.ExecutionEvent, ...]:
    ended = e.ExecutionTerminated(reason=command.reason, by=command.by, status="terminated")
    return (*withdrawn(state, "execution terminated"), ended)


def _retry(state: Execution, command: c.RetryExecution, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    if state.mode != "failed":
        raise _forbidden(state, "running", "only a failed execution can be retried")
    failed = tuple(number for number, visit in state.visits.items() if isinstance(visit, FailedStep))
    retried = e.ExecutionRetried(visits=failed, deadline=_deadline(at), by=command.by, status="running")
    return (retried, *(try_again(state, number, at) for number in failed))


def _deadline(at: Moment) -> datetime | None:
    timeout = at.definition.graph.timeout
    return at.now + timedelta(seconds=timeout) if timeout is not None else None


def _forbidden(state: Execution, target: str, advice: str = "") -> Rejected:
    detail = f"expected a state from which {target} can be reached, but the execution is {state.status}"
    return Rejected(RejectionCode.INVALID_STATE_TRANSITION, f"{detail}: {advice}" if advice else detail)


def _verb(command: c.ExecutionCommand) -> str:
    return type(command).__name__
