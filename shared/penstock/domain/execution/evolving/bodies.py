"""What the events of steps that contain others make of a state: blocks, copies, children."""

from __future__ import annotations

from typing import Any, assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.tokens import placed
from penstock.domain.execution.evolving.visits import closed, entered, left, passing, undoable, undone, visit_of
from penstock.domain.execution.places import HistoryBroken, assigned, completed, kept
from penstock.domain.execution.state import (
    PAGE,
    Compensating,
    Execution,
    FailedStep,
    OpenBlock,
    OpenChild,
    OpenCopy,
    OpenEach,
)
from penstock.domain.subjects import parent_of


def apply_body(state: Execution, event: e.BodyEvent) -> Execution:
    match event:
        case e.BlockStarted():
            return _block_started(state, event)
        case e.BlockCompleted():
            return _block_completed(state, event)
        case e.EachStarted():
            return _each_started(state, event)
        case e.ItemsAdded():
            return _items_added(state, event)
        case e.CopyStarted():
            return _copy_started(state, event)
        case e.CopyCompleted():
            return _copy_completed(state, event)
        case e.EachLeft():
            return _each_left(state, event)
        case e.EachCompleted():
            return _each_completed(state, event)
        case e.ChildStarted():
            return _child_started(state, event)
        case e.ChildDetached():
            return passing(state, event.visit, event.scope, event.consumed, event.taken)
        case e.ChildCompleted():
            return _child_completed(state, event)
        case e.ChildFailed():
            return _child_failed(state, event)
        case e.CompensationStarted():
            return _compensation_started(state, event)
        case e.CompensationCompleted(visit=visit, taken=taken):
            return left(state, visit, taken)
        case _:
            assert_never(event)


def _block_started(state: Execution, event: e.BlockStarted) -> Execution:
    block = OpenBlock(step=event.step, scope=event.scope, round=event.round, variables=event.variables)
    after = entered(closed(state, event.visit), event.visit, block, event.consumed)
    return replace(after, tokens=placed(after.tokens, event.visit, event.taken))


def _block_completed(state: Execution, event: e.BlockCompleted) -> Execution:
    scope = visit_of(state, event.visit).scope
    after = left(state, event.visit, event.taken)
    if event.undo is None:
        return after
    # its own undoing stands for those of its steps
    for number, entry in completed(after).items():
        if number > event.visit and event.step in entry.within:
            after = undone(after, number)
    return undoable(after, event.visit, event.step, scope, event.undo)


def _each_started(state: Execution, event: e.EachStarted) -> Execution:
    each = OpenEach(
        step=event.step,
        scope=event.scope,
        item=event.item,
        at_once=event.at_once,
        into=event.into,
        pages=(event.items,) if event.items else (),
        total=len(event.items),
    )
    return entered(closed(state, event.visit), event.visit, each, event.consumed)


def _items_added(state: Execution, event: e.ItemsAdded) -> Execution:
    each = _each(state, event.visit)
    more = replace(each, pages=(*each.pages, event.items), total=each.total + len(event.items))
    return replace(state, visits={**state.visits, event.visit: more})


def _copy_started(state: Execution, event: e.CopyStarted) -> Execution:
    each = _each(state, event.scope)
    page = each.pages[0]
    item = page[each.cursor - each.first]
    pages, first, cursor = each.pages, each.first, each.cursor + 1
    if cursor - first == len(page):
        pages, first = pages[1:], cursor
    opened = replace(each, pages=pages, first=first, cursor=cursor, open=each.open + 1)
    copy = OpenCopy(
        step=event.step,
        scope=event.scope,
        index=event.index,
        variables={**event.variables, each.item: item, "index": event.index},
    )
    return replace(
        state,
        visits={**state.visits, event.scope: opened, event.visit: copy},
        tokens=placed(state.tokens, event.visit, event.taken),
        next_visit=max(state.next_visit, event.visit + 1),
        bites=0,
    )


def _copy_completed(state: Execution, event: e.CopyCompleted) -> Execution:
    scope = visit_of(state, event.visit).scope
    each = _each(state, scope)
    results = each.results
    if event.result is not None:
        page = event.index // PAGE
        results = {**results, page: {**results.get(page, {}), event.index: event.result}}
    counted = replace(each, open=each.open - 1, done=each.done + 1, results=results)
    after = closed(state, event.visit)
    return replace(after, visits={**after.visits, scope: counted})


def _each_left(state: Execution, event: e.EachLeft) -> Execution:
    each = _each(state, event.visit)
    after = replace(
        state,
        visits={**state.visits, event.visit: replace(each, left=True, closed=event.closed)},
        tokens=placed(state.tokens, each.scope, event.taken),
        bites=0,
    )
    return _collected(after, each) if event.closed else after


def _each_completed(state: Execution, event: e.EachCompleted) -> Execution:
    each = _each(state, event.visit)
    after = left(state, event.visit, event.taken)
    return after if each.closed else _collected(after, each)


def _child_started(state: Execution, event: e.ChildStarted) -> Execution:
    """The number in the child's id is used up, as that of a visit is."""
    visit = OpenChild(step=event.step, scope=event.scope, child=event.child)
    after = entered(state, event.visit, visit, event.consumed)
    parent = parent_of(event.child)
    return replace(after, next_visit=max(after.next_visit, parent[1] + 1)) if parent is not None else after


def _child_completed(state: Execution, event: e.ChildCompleted) -> Execution:
    scope = visit_of(state, event.visit).scope
    after = left(state, event.visit, event.taken)
    if event.keep:
        after = kept(after, scope, event.step, event.output)
    after = assigned(after, scope, event.set)
    return undoable(after, event.visit, event.step, scope, event.undo) if event.undo is not None else after


def _child_failed(state: Execution, event: e.ChildFailed) -> Execution:
    scope = visit_of(state, event.visit).scope
    failed = FailedStep(step=event.step, scope=scope, failure=event.failure, child=event.child)
    return entered(state, event.visit, failed, ())


def _compensation_started(state: Execution, event: e.CompensationStarted) -> Execution:
    visit = Compensating(
        step=event.step,
        scope=event.scope,
        visits=event.visits,
        parallel=event.parallel,
        then=event.then,
        reason=event.reason,
        by=event.by,
    )
    after = entered(state, event.visit, visit, event.consumed)
    return replace(after, deadline=None) if event.then == "cancelled" else after


def results_of(each: OpenEach) -> list[Any]:
    """One result for each item, None where a copy gave none."""
    return [each.results.get(index // PAGE, {}).get(index) for index in range(each.total)]


def _collected(state: Execution, each: OpenEach) -> Execution:
    return assigned(state, each.scope, {each.into: results_of(each)}) if each.into else state


def _each(state: Execution, number: int) -> OpenEach:
    each = visit_of(state, number)
    if not isinstance(each, OpenEach):
        raise HistoryBroken(f"expected visit {number} to be a for-each, but it is {each!r}")
    return each
