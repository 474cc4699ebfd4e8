"""How visits begin and end: what every event that enters or leaves a step does to a state."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from penstock.domain.execution.evolving.tokens import consumed, placed
from penstock.domain.execution.places import HistoryBroken, copies_around, within
from penstock.domain.execution.state import PAGE, BackingOff, Execution, Undoable, Visit
from penstock.domain.execution.task_events import Undoing

_T = TypeVar("_T")


def entered(state: Execution, number: int, visit: Visit, used: tuple[str, ...]) -> Execution:
    """The visit is open, and the tokens that entered are used up."""
    return replace(
        state,
        tokens=consumed(state.tokens, visit.scope, used),
        visits={**state.visits, number: visit},
        next_visit=max(state.next_visit, number + 1),
    )


def left(state: Execution, number: int, taken: tuple[str, ...]) -> Execution:
    """The visit is over, and its tokens go on; what it contained is over as well."""
    scope = visit_of(state, number).scope
    after = closed(state, number) if number in state.tokens or number in state.waves else state
    return replace(
        after,
        tokens=placed(after.tokens, scope, taken),
        visits=without(state.visits, number),
        bites=0,
    )


def passing(state: Execution, number: int, scope: int, used: tuple[str, ...], taken: tuple[str, ...]) -> Execution:
    """In and out in one event."""
    return replace(
        state,
        tokens=placed(consumed(state.tokens, scope, used), scope, taken),
        visits=without(state.visits, number),
        next_visit=max(state.next_visit, number + 1),
    )


def closed(state: Execution, number: int) -> Execution:
    """Without the visit and without what lies in its scope."""
    return replace(
        state,
        visits=without(state.visits, number),
        tokens=without(state.tokens, number),
        waves=without(state.waves, number),
    )


def undoable(state: Execution, number: int, step: str, scope: int, undo: Undoing) -> Execution:
    """The visit is completed and can be undone from now on."""
    order = state.completions + 1
    around, copies = within(state, scope), copies_around(state, scope)
    entry = Undoable(step=step, order=order, within=around, copies=copies, undo=undo)
    page = number // PAGE
    pages = {**state.undoable, page: {**state.undoable.get(page, {}), number: entry}}
    return replace(state, undoable=pages, completions=order)


def undone(state: Execution, number: int) -> Execution:
    """It cannot be undone again; where it was an attempt, the next one may begin."""
    page = number // PAGE
    left_over = without(state.undoable.get(page, {}), number)
    rest = {**state.undoable, page: left_over} if left_over else without(state.undoable, page)
    waiting = state.visits.get(number)
    if isinstance(waiting, BackingOff):
        return replace(state, undoable=rest, visits={**state.visits, number: replace(waiting, undoing=False)})
    return replace(state, undoable=rest)


def visit_of(state: Execution, number: int) -> Visit:
    try:
        return state.visits[number]
    except KeyError:
        raise HistoryBroken(f"expected visit {number} to be open, but it is not") from None


def without(table: dict[int, _T], number: int) -> dict[int, _T]:
    return {n: value for n, value in table.items() if n != number} if number in table else table
