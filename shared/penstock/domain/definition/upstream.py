"""
What can still reach a join: found out once for a definition, from the graph alone (decisions 28).

A step is *upstream* of a way into a join when a path leads from it to that way in, within the same body, which does not
pass the join itself. Sets of steps are bits of one number, so that five thousand of them fit into some hundred bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from penstock.domain.definition.flow import dominators
from penstock.domain.definition.model import BlockStep, Definition, EachStep, Graph, ways_out


class Body(NamedTuple):
    """
    The steps of a body by number; ``before`` are the sources of each, ``sources`` the step behind a transition,
    ``ancestors`` all steps from which a path leads to each, as bits.
    """

    names: tuple[str, ...]
    number: dict[str, int]
    before: tuple[tuple[int, ...], ...]
    sources: dict[str, int]
    ancestors: tuple[int, ...]


class Upstream(NamedTuple):
    """``reaching`` holds, for each way into a join, the steps upstream of it: bit n is the step with that number."""

    number: dict[str, int]
    reaching: dict[str, int]


def upstream(definition: Definition, join: str) -> Upstream:
    """The steps upstream of each way into ``join``, by transition; never the join itself."""
    known = definition.upstream.get(join)
    if known is None:
        body, step = _body(definition, definition.graph.steps[join].within), definition.graph.steps[join]
        reaching = {way: _reaching(body, body.number[join], _source(body, way)) for way in step.incoming}
        known = definition.upstream[join] = Upstream(body.number, reaching)
    return known


def between(definition: Definition, join: str) -> frozenset[str]:
    """
    The steps between the place where the branches of ``join`` divided and the join: those upstream of it that lie
    behind the nearest step that every way to the join passes.
    """
    known = definition.between.get(join)
    if known is None:
        known = definition.between[join] = _between(definition, join)
    return known


def _reaching(body: Body, join: int, sources: list[int]) -> int:
    """The steps from which a path leads to one of ``sources`` without passing the join."""
    if body.ancestors[join] >> join & 1:  # on a cycle: some of the paths to its sources pass it
        return _bits(_backwards(body, sources, {join}))
    reaching = 0
    for source in sources:
        reaching |= body.ancestors[source] | 1 << source
    return reaching


def _between(definition: Definition, join: str) -> frozenset[str]:
    step = definition.graph.steps[join]
    body = _body(definition, step.within)
    above = dominators(_edges(definition.graph, step.within, body), len(body.names))[body.number[join]]
    first = [source for way in step.incoming for source in _source(body, way)]
    return frozenset(body.names[number] for number in _backwards(body, first, {body.number[join], above}))


def _backwards(body: Body, first: Iterable[int], barred: set[int]) -> set[int]:
    found: set[int] = set()
    pending = [number for number in first if number not in barred]
    while pending:
        number = pending.pop()
        if number not in found:
            found.add(number)
            pending.extend(source for source in body.before[number] if source not in barred)
    return found


def _body(definition: Definition, within: str) -> Body:
    known = definition.bodies.get(within)
    if known is None:
        steps = [step for step in definition.graph.steps.values() if step.within == within]
        number = {step.id: place for place, step in enumerate(steps)}
        sources = {t.id: number[step.id] for step in steps for t in ways_out(step)}
        before = tuple(tuple(sources[way] for way in step.incoming if way in sources) for step in steps)
        known = definition.bodies[within] = Body(tuple(number), number, before, sources, _ancestors(before))
    return known


def _ancestors(before: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """All steps behind each, as bits: handed on along the transitions until nothing changes any more."""
    found = [0] * len(before)
    changed = True
    while changed:
        changed = False
        for number, sources in enumerate(before):
            behind = found[number]
            for source in sources:
                behind |= found[source] | 1 << source
            if behind != found[number]:
                found[number], changed = behind, True
    return tuple(found)


def _edges(graph: Graph, within: str, body: Body) -> list[list[int]]:
    """From each step, and at last from the place before the first one."""
    container = graph.steps.get(within)
    start = container.start if isinstance(container, BlockStep | EachStep) else graph.start
    edges = [[body.number[t.target] for t in ways_out(graph.steps[name]) if t.target] for name in body.names]
    return [*edges, [body.number[t.target] for t in start]]


def _source(body: Body, way: str) -> list[int]:
    """The step behind a way in; none where it comes from the start of the body."""
    return [body.sources[way]] if way in body.sources else []


def _bits(numbers: Iterable[int]) -> int:
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits
