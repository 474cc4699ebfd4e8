"""The steps of one body as a graph of numbers, for what can be told from its shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.model import RouteStep, Step
from penstock.domain.definition.routes import Exit, Routes


@dataclass(frozen=True, slots=True)
class Plan:
    """
    ``edges`` are all ways on which a step can be entered; ``incoming`` those that its join counts, one for each way.

    ``root`` is the place before the first step; ``offered`` are steps that may be started at any time, again and again.
    """

    drafts: tuple[Draft, ...]
    start: Routes
    edges: tuple[tuple[int, ...], ...]
    incoming: tuple[tuple[int, ...], ...]
    offered: frozenset[int]
    root: int

    def forks(self, node: int) -> bool:
        """Whether more tokens can leave ``node`` than enter it."""
        if self.divides(node):
            return True
        if node == self.root:
            return False
        draft = self.drafts[node]
        step = draft.step
        return bool(draft.offers) or _multiplies(step) or any(not catch.cancel for catch in step.catches)

    def divides(self, node: int) -> bool:
        """Whether the ordinary ways out of ``node`` are taken together."""
        routes = self.start if node == self.root else self.drafts[node].routes
        return (routes.split in ("parallel", "inclusive") or node == self.root) and len(routes.exits) > 1

    def includes(self, node: int) -> bool:
        """Whether only some of the ways out of ``node`` may be taken."""
        return node != self.root and self.divides(node) and self.drafts[node].routes.split == "inclusive"

    def repeats(self, node: int) -> bool:
        """Whether a token goes on along each ordinary way out of ``node``, whatever happens."""
        return self.divides(node) and not self.includes(node)

    def waits_for_all(self, node: int) -> bool:
        return node != self.root and self.drafts[node].step.join == "all"

    def leaving(self, node: int) -> Iterable[Exit]:
        """The ways out of a step, without what it offers."""
        draft = self.drafts[node]
        return (*draft.routes.exits, *draft.sides)


def plan_of(drafts: Mapping[str, Draft], start: Routes) -> Plan:
    """``drafts`` as numbers, in their order; references that lead nowhere are left out."""
    number = {name: place for place, name in enumerate(drafts)}
    entering = [
        *((*draft.routes.exits, *draft.sides) for draft in drafts.values()),
        start.exits,
    ]
    counted = [tuple(number[e.target] for e in exits if e.target in number) for exits in entering]
    offers = [
        *(tuple(number[e.target] for e in draft.offers if e.target in number) for draft in drafts.values()),
        (),
    ]
    incoming: list[list[int]] = [[] for _ in counted]
    for source, targets in enumerate(counted):
        for target in targets:
            incoming[target].append(source)
    edges = tuple((*targets, *offered) for targets, offered in zip(counted, offers, strict=True))
    return Plan(
        tuple(drafts.values()),
        start,
        edges,
        tuple(tuple(sources) for sources in incoming),
        frozenset(target for offered in offers for target in offered),
        len(drafts),
    )


def _multiplies(step: Step) -> bool:
    return isinstance(step, RouteStep) and step.threads is not None
