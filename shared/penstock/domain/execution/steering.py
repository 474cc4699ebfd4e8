"""Decisions of people about single steps: cancelled, completed, skipped, run again, added."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from penstock.domain.definition.model import BYPASS, ListenStep, TaskStep
from penstock.domain.errors import ErrorCode, Failure, StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.children import child_completed
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.listening import option_taken
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.bodies import block_left, each_left
from penstock.domain.execution.moving.boundaries import Events, failed_as_a_whole
from penstock.domain.execution.state import (
    BackingOff,
    Compensating,
    Execution,
    ExecutionState,
    FailedStep,
    OpenBlock,
    OpenChild,
    OpenCopy,
    OpenEach,
    OpenTask,
    Queued,
    Visit,
)
from penstock.domain.execution.tasks import completed, entry_of
from penstock.domain.execution.withdrawal import tokens_withdrawn, withdrawn_inside
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.steps.each import pages
from penstock.domain.steps.leaving import Leaving, leave
from penstock.domain.steps.task import schedule

_Decide = Callable[[int, Visit], Events]


def decide_step(state: Execution, command: c.StepCommand, at: Moment) -> Events:
    """
    Raises:
        Rejected: there is no such step, or it is not where this can be done to it.

    """
    match command:
        case c.CancelStep():
            return _cancel_step(state, command, at)
        case c.CompleteStep():
            return _complete_step(state, command, at)
        case c.SkipStep():
            return _skip_step(state, command, at)
        case c.RerunStep():
            return _rerun_step(state, command, at)
        case c.SetVariables():
            return _set_variables(state, command)
        case c.AddTask():
            return _add_task(state, command, at)
        case c.AddItems():
            return _add_items(state, command, at)
        case c.StartStep():
            return _start_step(state, command, at)
        case _:
            assert_never(command)


def _cancel_step(state: Execution, command: c.CancelStep, at: Moment) -> Events:
    """Each visit fails with STEP_CANCELLED, which a catch may take."""
    failure = Failure(code=ErrorCode.STEP_CANCELLED, message=command.reason or f"by {command.by}", retryable=False)
    return _for_each(state, command, at, lambda number, _: failed_as_a_whole(state, number, failure, command.by))


def _complete_step(state: Execution, command: c.CompleteStep, at: Moment) -> Events:
    """What a worker, or the body of the step, would have done."""

    def complete(number: int, visit: Visit) -> Events:
        inner = withdrawn_inside(state, number, f"completed by {command.by}")
        match visit:
            case OpenBlock():
                return (*inner, block_left(state, number, visit, at, by=command.by))
            case OpenEach():
                return (*inner, each_left(state, number, visit, at, by=command.by))
            case OpenChild():
                return (child_completed(state, number, visit, command.output, at, by=command.by),)
            case OpenTask() | BackingOff():
                return (completed(state, number, visit, command.output, at, by=command.by),)
            case FailedStep() if visit.adhoc or isinstance(_step(visit, at), TaskStep) or visit.undoes is not None:
                return (completed(state, number, visit, command.output, at, by=command.by),)
            case FailedStep(child=str()):
                return (child_completed(state, number, visit, command.output, at, by=command.by),)
            case _:
                skipped = _skipped(state, number, visit, "completed by hand", command.by, at, command.output)
                return (*inner, *skipped)

    return _going_on(state, command, _for_each(state, command, at, complete), at)


def _skip_step(state: Execution, command: c.SkipStep, at: Moment) -> Events:
    """The step is left as if there were nothing to do in it."""

    def skip(number: int, visit: Visit) -> Events:
        inner = withdrawn_inside(state, number, "skipped", itself=True)
        return (*inner, *_skipped(state, number, visit, command.reason, command.by, at))

    return _going_on(state, command, _for_each(state, command, at, skip), at)


def _rerun_step(state: Execution, command: c.RerunStep, at: Moment) -> Events:
    """Everything beside it in its scope is withdrawn, and a token enters the step."""
    if state.mode == "paused":
        raise Rejected(
            RejectionCode.INVALID_STATE_TRANSITION,
            "expected an execution that is not paused, but it is: resume it first",
        )
    step = at.definition.graph.steps.get(command.step)
    if step is None:
        raise _unknown(command.step, at)
    scope = 0
    if step.within:
        scopes = [n for n, visit in state.visits.items() if _holds(visit, step.within)]
        if len(scopes) != 1:
            raise Rejected(
                RejectionCode.STEP_NOT_OPEN,
                f"expected one open visit of {step.within!r}, which contains {step.id!r}, but there are {len(scopes)}",
            )
        scope = scopes[0]
    return (
        *withdrawn_inside(state, scope, f"{command.step} is run again"),
        *tokens_withdrawn(state, scope),
        e.StepRerun(
            step=step.id,
            scope=scope,
            taken=(BYPASS + step.id,),
            reason=command.reason,
            by=command.by,
            deadline=state.deadline,
            status="running",
        ),
    )


def _set_variables(state: Execution, command: c.SetVariables) -> Events:
    changed = {
        name: value
        for name, value in command.values.items()
        if name not in state.variables or state.variables[name] != value
    }
    return (e.VariablesSet(set=changed, by=command.by),) if changed else ()


def _add_task(state: Execution, command: c.AddTask, at: Moment) -> Events:
    """A task beside the definition; nothing follows it but that the execution waits for it."""
    if command.name in at.definition.graph.steps:
        raise Rejected(
            RejectionCode.STEP_EXISTS,
            f"expected a name that no step has, but {command.name!r} is a step of {at.definition.id}",
        )
    step = TaskStep(id=command.name, task=command.task, queue=command.queue)
    entry = entry_of(state, state.next_visit, 0, (), at)
    return (schedule(step, entry, command.input, 1, adhoc=command.by),)


def _add_items(state: Execution, command: c.AddItems, at: Moment) -> Events:
    open_here = [
        (number, visit)
        for number, visit in state.visits.items()
        if isinstance(visit, OpenEach) and visit.step == command.step and not visit.left
    ]
    if not open_here:
        if command.step not in at.definition.graph.steps:
            raise _unknown(command.step, at)
        raise Rejected(
            RejectionCode.ITEMS_CLOSED,
            f"expected {command.step!r} to be a for-each that is open and has not been left, but it is not",
        )
    number, _ = open_here[0]
    return tuple(
        e.ItemsAdded(visit=number, step=command.step, items=page, by=command.by) for page in pages(command.items)
    )


def _start_step(state: Execution, command: c.StartStep, at: Moment) -> Events:
    """A step that an open one offers, at this moment and no other (milestone)."""
    if command.step not in at.definition.graph.steps:
        raise _unknown(command.step, at)
    for number, visit in state.visits.items():
        step = at.definition.graph.steps.get(visit.step)
        if step is None or isinstance(visit, FailedStep | Queued | OpenCopy):
            continue
        for offer in step.offers:
            if offer.target == command.step:
                offered = e.StepOffered(
                    visit=number, step=step.id, scope=visit.scope, taken=(BYPASS + offer.target,), by=command.by
                )
                return (offered,)
    raise Rejected(
        RejectionCode.STEP_NOT_OFFERED,
        f"expected an open step that offers {command.step!r}, but there is none at this moment",
    )


def _for_each(
    state: Execution, command: c.CancelStep | c.CompleteStep | c.SkipStep, at: Moment, decide: _Decide
) -> Events:
    """What is decided for each visit of a step, all of them or the one that is named."""
    numbers = [
        number
        for number, visit in state.visits.items()
        if visit.step == command.step
        and not isinstance(visit, OpenCopy | Compensating)
        and command.visit in (None, number)
    ]
    if not numbers:
        if command.step not in at.definition.graph.steps:
            raise _unknown(command.step, at)
        where = "" if command.visit is None else f" with visit {command.visit}"
        raise Rejected(
            RejectionCode.STEP_NOT_OPEN, f"expected {command.step!r}{where} to be open or failed, but it is not"
        )
    try:
        return tuple(event for number in numbers for event in decide(number, state.visits[number]))
    except StepFailure as error:
        raise Rejected(RejectionCode.STEP_NOT_OPEN, f"{command.step!r} cannot be left like this: {error}") from error


def _skipped(
    state: Execution, number: int, visit: Visit, reason: str, by: str, at: Moment, output: object = None
) -> Events:
    """The step is left; what listens maps ``output`` as if the first of its events had come with it."""
    step = at.definition.graph.steps.get(visit.step)
    undoes: int | None = getattr(visit, "undoes", None)
    changed: dict[str, object] = {}
    leaving = Leaving((), ())
    if isinstance(step, ListenStep) and output is not None:
        changed, leaving = option_taken(state, visit.scope, step, 0, output, at)
    elif step is not None and undoes is None and not (isinstance(visit, OpenEach) and visit.left):
        leaving = leave(step, at.names(state, visit.scope, output=None))
    return (
        e.StepSkipped(
            visit=number,
            step=visit.step,
            scope=visit.scope,
            undoes=undoes,
            set=changed,
            reason=reason,
            by=by,
            taken=leaving.taken,
            evaluations=leaving.evaluations,
        ),
    )


def _going_on(state: Execution, command: c.CompleteStep | c.SkipStep, events: Events, at: Moment) -> Events:
    """A failed execution goes on when nothing in it is failed any more."""
    if state.mode != "failed":
        return events
    after: ExecutionState = state
    for event in events:
        after = evolve(after, event, at.now)
    if not isinstance(after, Execution) or any(isinstance(visit, FailedStep) for visit in after.visits.values()):
        return events
    return (*events, e.ExecutionRetried(by=command.by, deadline=state.deadline, status="running"))


def _holds(visit: Visit, step: str) -> bool:
    return visit.step == step and isinstance(visit, OpenBlock | OpenCopy)


def _step(visit: Visit, at: Moment) -> object:
    return at.definition.graph.steps.get(visit.step)


def _unknown(step: str, at: Moment) -> Rejected:
    return Rejected(
        RejectionCode.STEP_UNKNOWN, f"expected a step of {at.definition.id} {at.definition.version}, but got {step!r}"
    )
