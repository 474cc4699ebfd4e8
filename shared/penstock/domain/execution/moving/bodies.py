"""What happens when a scope has come to its end: rounds, copies, blocks, compensation."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from penstock.domain.definition.model import BlockStep, EachStep
from penstock.domain.errors import StepFailure
from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.bodies import results_of
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events, failed_as_a_whole
from penstock.domain.execution.names import render
from penstock.domain.execution.places import can_be_undone
from penstock.domain.execution.state import Compensating, Execution, OpenBlock, OpenCopy, OpenEach
from penstock.domain.execution.tasks import entry_of, undo_step, undoing
from penstock.domain.execution.withdrawal import withdrawn_inside
from penstock.domain.steps.block import next_round
from penstock.domain.steps.leaving import evaluate, leave
from penstock.domain.steps.task import schedule


def settled(state: Execution, number: int, at: Moment) -> Events:
    """What follows of itself for the composite visit ``number`` as it is now; nothing while something in it goes on."""
    visit = state.visits.get(number)
    try:
        match visit:
            case OpenEach():
                return _each(state, number, visit, at)
            case OpenBlock() if _rests(state, number):
                return _block(state, number, visit, at)
            case OpenCopy() if _rests(state, number):
                return _copy(state, number, visit, at)
            case Compensating():
                return _compensating(state, number, visit, at)
            case _:
                return ()
    except StepFailure as error:
        if isinstance(visit, OpenCopy):
            number = visit.scope
        return failed_as_a_whole(state, number, error.failure)


def block_left(state: Execution, number: int, block: OpenBlock, at: Moment, by: str | None = None) -> e.BlockCompleted:
    """
    Raises:
        StepFailure: no way out is open.

    """
    step = _body(block.step, at)
    names = at.names(state, block.scope)
    taken, evaluations = leave(step, names)
    undo = undoing(step.undo, None, None, names, step.id) if isinstance(step, BlockStep) else None
    return e.BlockCompleted(visit=number, step=step.id, taken=taken, evaluations=evaluations, undo=undo, by=by)


def each_left(state: Execution, number: int, each: OpenEach, at: Moment, by: str | None = None) -> e.EachCompleted:
    """
    All is over, or has been withdrawn.

    Raises:
        StepFailure: no way out is open.

    """
    if each.left:
        return e.EachCompleted(visit=number, step=each.step, by=by)
    taken, evaluations = leave(_body(each.step, at), at.names(state, each.scope))
    return e.EachCompleted(visit=number, step=each.step, taken=taken, evaluations=evaluations, by=by)


def _rests(state: Execution, scope: int) -> bool:
    """Whether nothing is left in the scope. A join of which not enough has arrived still waits."""
    if state.tokens.get(scope) or any(not wave.fired for wave in state.waves.get(scope, {}).values()):
        return False
    return not any(visit.scope == scope for visit in state.visits.values())


def _block(state: Execution, number: int, block: OpenBlock, at: Moment) -> Events:
    step = _body(block.step, at)
    if isinstance(step, BlockStep) and step.loop is not None:
        asked, again = next_round(step, number, block, at.names(state, number), at.names(state, block.scope))
        if again is not None:
            return (again,)
        left = block_left(state, number, block, at)
        return (replace(left, evaluations=(asked, *left.evaluations)),)
    return (block_left(state, number, block, at),)


def _each(state: Execution, number: int, each: OpenEach, at: Moment) -> Events:
    step = _body(each.step, at)
    assert isinstance(step, EachStep)
    if not each.left and step.enough and each.done >= step.enough:
        return _has_enough(state, number, each, step, at)
    if each.cursor < each.total and not each.closed:
        if each.open >= each.at_once:
            return ()
        return (_copy_started(state, number, each, step, at),)
    return () if each.open else (each_left(state, number, each, at),)


def _copy_started(state: Execution, number: int, each: OpenEach, step: EachStep, at: Moment) -> e.CopyStarted:
    """The next item's copy; its local variables may be made of the item."""
    item = each.pages[0][each.cursor - each.first]
    names = at.names(state, each.scope, **{each.item: item, "index": each.cursor})
    return e.CopyStarted(
        visit=state.next_visit,
        step=step.id,
        scope=number,
        index=each.cursor,
        variables={name: render(value, names, step.id) for name, value in step.variables.items()},
        taken=tuple(t.id for t in step.start),
    )


def _has_enough(state: Execution, number: int, each: OpenEach, step: EachStep, at: Moment) -> Events:
    if step.rest == "cancel":
        return (*withdrawn_inside(state, number, "enough copies"), each_left(state, number, each, at))
    taken, evaluations = leave(step, at.names(state, each.scope))
    return (e.EachLeft(visit=number, step=step.id, closed=True, taken=taken, evaluations=evaluations),)


def _copy(state: Execution, number: int, copy: OpenCopy, at: Moment) -> Events:
    step, each = _body(copy.step, at), state.visits[copy.scope]
    assert isinstance(step, EachStep)
    assert isinstance(each, OpenEach)
    names = at.names(state, number)
    result = None if step.collect is None else render(step.collect, names, step.id)
    if step.done_when is None or each.left:
        return (e.CopyCompleted(visit=number, step=step.id, index=copy.index, result=result),)
    results = results_of(each)
    results[copy.index] = result
    seen: dict[str, Any] = {
        "results": [r for r in results if r is not None],
        "done": each.done + 1,
        "total": each.total,
    }
    asked = evaluate(step.done_when, at.names(state, each.scope, **seen), step.id)
    completed = e.CopyCompleted(visit=number, step=step.id, index=copy.index, result=result, evaluations=(asked,))
    return (completed,)


def enough_after(state: Execution, event: e.CopyCompleted, scope: int, at: Moment) -> Events:
    """What the condition that the copy's end has answered makes of its for-each."""
    each = state.visits.get(scope)
    step = _body(event.step, at)
    if not (event.evaluations and event.evaluations[0].result and isinstance(each, OpenEach) and not each.left):
        return ()
    assert isinstance(step, EachStep)
    try:
        return _has_enough(state, scope, each, step, at)
    except StepFailure as error:
        return failed_as_a_whole(state, scope, error.failure)


def _compensating(state: Execution, number: int, visit: Compensating, at: Moment) -> Events:
    running = any(task.scope == number for task in state.visits.values())
    # what another compensation is undoing is left to that
    under_way = {getattr(task, "undoes", None) for task in state.visits.values()}
    left = [each for each in visit.visits if can_be_undone(state, each) is not None and each not in under_way]
    if left and (visit.parallel or not running):
        return (undo_task(state, left[0], number, at),)
    if running:
        return ()
    if visit.then == "cancelled":
        done = e.CompensationCompleted(visit=number, step=visit.step)
        return (done, e.ExecutionCancelled(reason=visit.reason, by=visit.by, status="cancelled"))
    taken, evaluations = leave(_body(visit.step, at), at.names(state, visit.scope))
    return (e.CompensationCompleted(visit=number, step=visit.step, taken=taken, evaluations=evaluations),)


def undo_task(state: Execution, undone: int, scope: int, at: Moment) -> e.ExecutionEvent:
    """The undo task of a visit, in ``scope``: that of a compensation, or of the visit itself."""
    step, entry = undo_step(state, undone, at), can_be_undone(state, undone)
    payload = entry.undo.input if entry is not None else None
    return schedule(step, entry_of(state, state.next_visit, scope, (), at), payload, 1, undoes=undone)


def _body(step: str, at: Moment) -> Any:
    return at.definition.graph.steps[step]
