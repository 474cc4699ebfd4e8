"""What an event brings about at once, before anything else moves."""

from __future__ import annotations

from penstock.domain.definition.model import RouteStep
from penstock.domain.errors import StepFailure
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.bodies import enough_after, undo_task
from penstock.domain.execution.moving.boundaries import Events, escalated, opened
from penstock.domain.execution.moving.ending import failing
from penstock.domain.execution.moving.tokens import withdrawn_before, withdrawn_steps
from penstock.domain.execution.names import render
from penstock.domain.execution.state import Execution, FailedStep, OpenTask
from penstock.domain.execution.withdrawal import open_waits, withdrawn
from penstock.domain.steps.listen import listens


def consequences(before: Execution, event: e.ExecutionEvent, state: Execution, at: Moment) -> Events:
    """The events that follow ``event``, which led from ``before`` to ``state``."""
    match event:
        case e.TaskCompleted() | e.TaskClaimed():
            return ()
        case e.TaskFailed(visit=visit, undo=undo):
            return () if undo is None else (undo_task(state, visit, state.visits[visit].scope, at),)
        case (
            e.TaskScheduled()
            | e.TimerStarted()
            | e.ListeningStarted()
            | e.BlockStarted()
            | e.EachStarted()
            | e.ChildStarted()
        ):
            return _entered(before, state, event.visit, event.step, at)
        case e.StepPassed():
            return _passed(state, event, at)
        case e.BranchArrived(step=step, scope=scope, taken=taken) if taken:
            join = at.definition.graph.steps[step]
            return withdrawn_before(state, join, scope, at) if join.rest == "cancel" else ()
        case e.EscalationRaised(scope=scope, escalation=escalation):
            return escalated(state, scope, escalation, at)
        case e.EachLeft(visit=visit, closed=True) if visit in state.waits:
            # what its copies still do is without effect, and so is what might have interrupted them
            return (e.WaitsClosed(visit=visit, waits=open_waits(state.waits[visit])),)
        case e.CopyCompleted(visit=visit):
            return enough_after(state, event, before.visits[visit].scope, at)
        case _:
            return ()


def _entered(before: Execution, state: Execution, visit: int, step_id: str, at: Moment) -> Events:
    """What the step waits for while it is open; another attempt, a next round or an undo task brings nothing new."""
    step = at.definition.graph.steps.get(step_id)
    if step is None or not listens(step):
        return ()
    again = isinstance(before.visits.get(visit), FailedStep)
    if visit in state.waits and not again:
        return ()
    task = state.visits[visit]
    if isinstance(task, OpenTask) and task.undoes is not None:
        return ()
    earlier = state.waits.get(visit)
    closing = () if earlier is None else (e.WaitsClosed(visit=visit, waits=open_waits(earlier)),)
    return (*closing, *opened(state, visit, at, again=again))


def _passed(state: Execution, event: e.StepPassed, at: Moment) -> Events:
    step = at.definition.graph.steps[event.step]
    if not isinstance(step, RouteStep):
        return ()
    if step.cancels:
        reason = f"cancelled by {step.id}"
        return withdrawn_steps(state, frozenset(step.cancels), event.scope, at, reason, spare=event.taken)
    return _finished(state, at) if step.finish else ()


def _finished(state: Execution, at: Moment) -> Events:
    """An end that ends everything."""
    try:
        output = render(at.definition.graph.output, at.names(state), "output")
    except StepFailure as error:
        return failing(state, error.failure, at)
    return (*withdrawn(state, "execution finished"), e.ExecutionCompleted(output=output, status="completed"))
