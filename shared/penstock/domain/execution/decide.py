"""
The verb ``decide``: what a command makes happen, by itself. Where everything goes from there is ``moving``; the two
meet in ``turn.py``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, assert_never

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.children import children_of, complete_child
from penstock.domain.execution.failed import execution_failed
from penstock.domain.execution.input import checked_input
from penstock.domain.execution.listening import decide_wait
from penstock.domain.execution.migration import migrate
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.ending import compensation
from penstock.domain.execution.state import Compensating, Ended, Execution, ExecutionState, FailedStep, NotStarted
from penstock.domain.execution.steering import decide_step
from penstock.domain.execution.tasks import decide_task
from penstock.domain.execution.timers import fire_timers
from penstock.domain.execution.withdrawal import withdrawn
from penstock.domain.rejected import Rejected, RejectionCode

MAX_RETRIED: Final = 500
"""Failed visits of one retry; what is left keeps the execution failed, and the next retry takes it."""


def decide(state: ExecutionState, command: c.ExecutionCommand, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """
    The events that ``command`` causes directly; none when it was done already.

    Raises:
        Rejected: the command can never succeed in this state.

    """
    match command:
        case c.CompleteTask() | c.ClaimTask() | c.HeartbeatTask() | c.FailTask():
            return decide_task(_open(state, command), command, at)
        case c.StartExecution():
            return _start(state, command, at)
        case c.FireTimers():
            return fire_timers(state, command, at) if isinstance(state, Execution) else ()
        case c.ConfirmWait() | c.DeliverMessage() | c.DeliverSignal() | c.GrantLock():
            return decide_wait(_open(state, command), command, at)
        case c.CompleteChild():
            return complete_child(_open(state, command), command, at)
        case c.ParkExecution(failure=failure):
            return (execution_failed(failure, at),) if _open(state, command).mode != "failed" else ()
        case _:
            open_state = _open(state, command)
            _check_status(open_state, command.expected)
            if isinstance(command, c.LifeCommand):
                return _decide_life(open_state, command, at)
            return decide_step(open_state, command, at)


def _decide_life(state: Execution, command: c.LifeCommand, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    match command:
        case c.PauseExecution():
            return _pause(state, command)
        case c.ResumeExecution():
            return _resume(state, command)
        case c.CancelExecution():
            return _cancel(state, command, at)
        case c.TerminateExecution():
            return _terminate(state, command)
        case c.RetryExecution():
            return _retry(state, command, at)
        case c.MigrateExecution():
            return migrate(state, command, at)
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
    defaults = checked_input(at.definition, command.input)
    return (
        e.ExecutionStarted(
            definition=graph.id,
            version=graph.version,
            digest=at.definition.digest,
            input=command.input,
            variables={**graph.variables, **defaults},
            taken=tuple(t.id for t in graph.start),
            business_key=command.business_key,
            tags=command.tags,
            priority=command.priority,
            initiated_by=command.initiated_by,
            deadline=_deadline(at),
            depth=command.depth,
            status="running",
        ),
    )


def _pause(state: Execution, command: c.PauseExecution) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "paused":
        return ()
    if state.mode == "failed":
        raise _forbidden(state, "paused")
    children = children_of(state)
    return (e.ExecutionPaused(reason=command.reason, by=command.by, children=children, status="paused"),)


def _resume(state: Execution, command: c.ResumeExecution) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "running":
        return ()
    if state.mode == "failed":
        raise _forbidden(state, "running", "retry it instead")
    return (e.ExecutionResumed(by=command.by, children=children_of(state), status="running"),)


def _cancel(state: Execution, command: c.CancelExecution, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    if state.mode == "failed":
        raise _forbidden(state, "cancelled", "terminate or retry it instead")
    open_steps = withdrawn(state, "execution cancelled")
    if at.definition.graph.on_cancel == "compensate" and state.undoable:
        if any(isinstance(visit, Compensating) and visit.then == "cancelled" for visit in state.visits.values()):
            return ()
        woken = (e.ExecutionResumed(by=command.by, status="running"),) if state.mode == "paused" else ()
        return (*woken, *open_steps, compensation(state, command.reason, command.by, at))
    return (*open_steps, e.ExecutionCancelled(reason=command.reason, by=command.by, status="cancelled"))


def _terminate(state: Execution, command: c.TerminateExecution) -> tuple[e.ExecutionEvent, ...]:
    ended = e.ExecutionTerminated(reason=command.reason, by=command.by, status="terminated")
    return (*withdrawn(state, "execution terminated", force=True), ended)


def _retry(state: Execution, command: c.RetryExecution, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    if state.mode != "failed":
        raise _forbidden(state, "running", "only a failed execution can be retried")
    failed = tuple(number for number, visit in state.visits.items() if isinstance(visit, FailedStep))
    return (e.ExecutionRetried(visits=failed[:MAX_RETRIED], deadline=_deadline(at), by=command.by, status="running"),)


def _check_status(state: Execution, expected: tuple[str, ...]) -> None:
    if expected and state.status not in expected:
        raise Rejected(
            RejectionCode.STATUS_NOT_EXPECTED,
            f"expected an execution that is {' or '.join(expected)}, but it is {state.status}",
        )


def _deadline(at: Moment) -> datetime | None:
    timeout = at.definition.graph.timeout
    return at.now + timedelta(seconds=timeout) if timeout is not None else None


def _forbidden(state: Execution, target: str, advice: str = "") -> Rejected:
    detail = f"expected a state from which {target} can be reached, but the execution is {state.status}"
    return Rejected(RejectionCode.INVALID_STATE_TRANSITION, f"{detail}: {advice}" if advice else detail)


def _verb(command: c.ExecutionCommand) -> str:
    return type(command).__name__
