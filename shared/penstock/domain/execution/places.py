"""
Where tokens and visits are: scopes within scopes, and the variables that each of them sees.

A composite visit is the scope of the same number, so that its inner visits always have higher numbers than itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from penstock.domain.execution.state import PAGE, SHELF, Execution, OpenBlock, OpenCopy, Undoable, Visit


class HistoryBroken(Exception):
    """The events of one execution do not follow from one another: the log was changed, or this is our defect."""


def enclosing(state: Execution, scope: int) -> Iterator[tuple[int, Visit]]:
    """The composite visits around what lies in ``scope``, from the inside out."""
    while scope:
        visit = state.visits.get(scope)
        if visit is None:
            raise HistoryBroken(f"expected scope {scope} to be an open visit, but it is not")
        yield scope, visit
        scope = visit.scope


def inside(state: Execution, number: int) -> list[int]:
    """The visits within a scope, however deep, the latest first; 0: all of them."""
    if not number:
        return sorted(state.visits, reverse=True)
    found = {number}
    for each in sorted(state.visits):
        if each > number and state.visits[each].scope in found:
            found.add(each)
    found.discard(number)
    return sorted(found, reverse=True)


def visible(state: Execution, scope: int) -> dict[str, Any]:
    """The variables by name as something in ``scope`` sees them: the nearest one of each name."""
    if not scope:
        return state.variables
    seen = dict(state.variables)
    for _, visit in reversed(list(enclosing(state, scope))):
        if isinstance(visit, OpenBlock | OpenCopy):
            seen.update(visit.variables)
    return seen


def outputs(state: Execution, scope: int) -> dict[str, Any]:
    """What the tasks gave by step, as something in ``scope`` sees it."""
    copies = [visit for _, visit in enclosing(state, scope) if isinstance(visit, OpenCopy)]
    if not copies and not state.shelves:
        return state.results
    seen: dict[str, Any] = {}
    for kept_together in (*state.shelves, state.results, *(copy.results for copy in reversed(copies))):
        seen.update(kept_together)
    return seen


def within(state: Execution, scope: int) -> tuple[str, ...]:
    """The steps around ``scope``, the outermost first."""
    return tuple(visit.step for _, visit in enclosing(state, scope))[::-1]


def completed(state: Execution) -> dict[int, Undoable]:
    """The visits that can be undone, in the order in which they were completed."""
    entries = [(entry.order, number, entry) for page in state.undoable.values() for number, entry in page.items()]
    return {number: entry for _, number, entry in sorted(entries, key=lambda one: one[0])}


def can_be_undone(state: Execution, number: int) -> Undoable | None:
    return state.undoable.get(number // PAGE, {}).get(number)


def copies_around(state: Execution, scope: int) -> tuple[int, ...]:
    """The copies that contain what lies in ``scope``, the innermost first."""
    return tuple(number for number, visit in enclosing(state, scope) if isinstance(visit, OpenCopy))


def assigned(state: Execution, scope: int, values: dict[str, Any]) -> Execution:
    """Each variable is set where it is declared: in the nearest body that has it, else in the execution."""
    if not values:
        return state
    if not scope:
        return replace(state, variables={**state.variables, **values})
    rest, visits = dict(values), dict(state.visits)
    for number, visit in enclosing(state, scope):
        if isinstance(visit, OpenBlock | OpenCopy):
            own = {name: rest.pop(name) for name in list(rest) if name in visit.variables}
            if own:
                visits[number] = replace(visit, variables={**visit.variables, **own})
    return replace(state, visits=visits, variables={**state.variables, **rest} if rest else state.variables)


def kept(state: Execution, scope: int, step: str, output: Any) -> Execution:
    """The output of ``step``, kept in the nearest copy, else in the execution."""
    for number, visit in enclosing(state, scope):
        if isinstance(visit, OpenCopy):
            copy = replace(visit, results={**visit.results, step: output})
            return replace(state, visits={**state.visits, number: copy})
    for place, shelf in enumerate(state.shelves):
        if step in shelf:
            shelves = (*state.shelves[:place], {**shelf, step: output}, *state.shelves[place + 1 :])
            return replace(state, shelves=shelves)
    if len(state.results) >= SHELF and step not in state.results:
        return replace(state, shelves=(*state.shelves, state.results), results={step: output})
    return replace(state, results={**state.results, step: output})
