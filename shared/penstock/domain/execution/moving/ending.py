"""What an execution has come to when it rests: completed, failed, undone, or a public status."""

from __future__ import annotations

from penstock.domain.errors import ErrorCode, Failure, StepFailure, defective
from penstock.domain.execution import events as e
from penstock.domain.execution.failed import execution_failed
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events, unreachable
from penstock.domain.execution.names import render
from penstock.domain.execution.state import (
    Compensating,
    Execution,
    FailedStep,
    Listening,
    OpenBlock,
    OpenCopy,
    OpenEach,
    OpenTimer,
    Queued,
    Visit,
)
from penstock.domain.execution.withdrawal import withdrawn
from penstock.domain.steps.compensate import to_undo

_GIVING_BACK = (e.WaitsClosed, e.LockFreed)
_PASSIVE = frozenset({OpenTimer, Listening, Queued, OpenBlock, OpenEach, OpenCopy, Compensating})


def ending(state: Execution, events: list[e.ExecutionEvent], at: Moment) -> Events:
    """How the execution ends or fails, if it does; ``events`` are those of the turn so far."""
    for number, visit in state.visits.items():
        if isinstance(visit, FailedStep):
            return failing(state, visit.failure, at, visit.step, number)
    if any(_is_under_way(state, number, visit) for number, visit in state.visits.items()):
        return ()
    queued = any(isinstance(visit, Queued) for visit in state.visits.values())
    if queued:
        locks = sorted({held.lock for held in state.locks.values() if not held.granted})
        message = f"expected the locks {', '.join(locks)} to be given back, but their holders wait for one another"
        return failing(state, defective(ErrorCode.LOCK_UNREACHABLE, message), at)
    stuck = state.tokens or any(not wave.fired for here in state.waves.values() for wave in here.values())
    if state.visits or stuck:
        return failing(state, unreachable(state, at), at)
    return _completed(state, events, at)


def public_status(state: Execution) -> e.Status:
    """Waiting, where nothing is under way but time and what others send."""
    for visit in state.visits.values():
        if type(visit) not in _PASSIVE:
            return "running"
    return "waiting"


def failing(
    state: Execution, failure: Failure, at: Moment, step: str | None = None, visit: int | None = None
) -> Events:
    """The execution is parked, or undone where its definition asks for that; undoing that fails is parked."""
    undoing = any(isinstance(open_visit, Compensating) for open_visit in state.visits.values())
    if at.definition.graph.on_failure != "compensate" or undoing:
        return (execution_failed(failure, at, step, visit),)
    reason = f"{failure.code}: {failure.message}"[:2000]
    return (*withdrawn(state, failure.code), compensation(state, reason, "engine", at))


def compensation(state: Execution, reason: str, by: str, at: Moment) -> e.CompensationStarted:
    """Everything that was completed is undone, and then the execution is cancelled."""
    return e.CompensationStarted(
        visit=state.next_visit,
        step="",
        visits=to_undo(state),
        parallel=at.definition.graph.undo_order == "parallel",
        then="cancelled",
        reason=reason,
        by=by,
        status="running",
    )


def _completed(state: Execution, events: list[e.ExecutionEvent], at: Moment) -> Events:
    try:
        output = _output(state, events, at)
    except StepFailure as error:
        return failing(state, error.failure, at)
    return (e.ExecutionCompleted(output=output, status="completed"),)


def _output(state: Execution, events: list[e.ExecutionEvent], at: Moment) -> object:
    """What the definition says, else the output of the task that ended the execution."""
    template = at.definition.graph.output
    if template is not None:
        return render(template, at.names(state), "output")
    last = next((event for event in reversed(events) if not isinstance(event, _GIVING_BACK)), None)
    return last.output if isinstance(last, e.TaskCompleted | e.ChildCompleted) else None


def _is_under_way(state: Execution, number: int, visit: Visit) -> bool:
    """Not what only contains others, nor what waits for a lock that only this execution can give back."""
    if isinstance(visit, Queued):
        held = state.locks[number]
        return held.shared or held.granted
    return not isinstance(visit, OpenBlock | OpenEach | OpenCopy | Compensating)
