"""Decisions about the executions that a visit waits for."""

from __future__ import annotations

from penstock.domain.definition.model import WorkflowStep
from penstock.domain.errors import ErrorCode, Failure, StepFailure, defective
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events
from penstock.domain.execution.state import Execution, FailedStep, OpenChild
from penstock.domain.execution.tasks import mapped, undoing
from penstock.domain.rejected import Rejected, RejectionCode


def complete_child(state: Execution, command: c.CompleteChild, at: Moment) -> Events:
    """
    A child that came to its end completes the visit or fails it; one that failed can be retried, and may yet complete.
    """
    number, visit = _waiting(state, command.child)
    match command.outcome:
        case "completed":
            return (child_completed(state, number, visit, command.output, at),)
        case "failed":
            failure = command.failure or Failure(code=ErrorCode.CHILD_CANCELLED)
            if isinstance(visit, FailedStep):
                return ()
            return (e.ChildFailed(visit=number, step=visit.step, child=command.child, failure=failure),)
        case "refused":
            failure = command.failure or Failure(code=ErrorCode.CHILD_REFUSED, retryable=False)
        case outcome:
            failure = defective(ErrorCode.CHILD_CANCELLED, f"the execution {command.child} was {outcome}")
    return (e.StepFailed(visit=number, step=visit.step, scope=visit.scope, failure=failure),)


def _waiting(state: Execution, child: str) -> tuple[int, OpenChild | FailedStep]:
    for number, visit in state.visits.items():
        if isinstance(visit, OpenChild | FailedStep) and visit.child == child:
            return number, visit
    raise Rejected(RejectionCode.WAIT_NOT_OPEN, f"expected a visit that waits for {child}, but there is none")


def child_completed(
    state: Execution, number: int, visit: OpenChild | FailedStep, output: object, at: Moment, by: str | None = None
) -> e.ExecutionEvent:
    """
    The visit ends with what its child gave; it fails where that cannot be mapped. Where somebody completed it ``by``
    hand, the child is no longer wanted.
    """
    step = at.definition.graph.steps[visit.step]
    assert isinstance(step, WorkflowStep)
    try:
        changed, leaving, names = mapped(state, visit.scope, step, step.output, output, at)
        undo = undoing(step.undo, None, output, names, step.id)
    except StepFailure as error:
        return e.StepFailed(visit=number, step=step.id, scope=visit.scope, failure=error.failure)
    return e.ChildCompleted(
        visit=number,
        step=step.id,
        child=visit.child or "",
        output=output,
        keep=step.output is None,
        set=changed,
        taken=leaving.taken,
        evaluations=leaving.evaluations,
        undo=undo,
        by=by,
    )


def children_of(state: Execution) -> tuple[str, ...]:
    """The executions that are under way because this one waits for them."""
    return tuple(visit.child for visit in state.visits.values() if isinstance(visit, OpenChild))
