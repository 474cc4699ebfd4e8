"""From drafts to the graph: every way gets its id, and every step the ways that lead to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.model import BlockStep, EachStep, Graph, ListenStep, Step, Transition
from penstock.domain.definition.routes import Exit, Routes


def assemble(head: Graph, start: Routes, drafts: Mapping[str, Draft]) -> Graph:
    """The graph of drafts that have no flaw."""
    ways = _Ways(drafts)
    begin = ways.made("", start.exits)
    for name, draft in drafts.items():
        if draft.begin is not None:
            ways.begins[name] = ways.made(f"{name}.", draft.begin.exits)
    steps = {name: ways.leaving(draft) for name, draft in drafts.items()}
    steps = {name: _entered(step, ways.incoming[name]) for name, step in steps.items()}
    return msgspec.structs.replace(head, start=begin, steps=steps)


def _entered(step: Step, incoming: list[str]) -> Step:
    return msgspec.structs.replace(step, incoming=tuple(incoming))


class _Ways:
    """Ids are ``source->target``, and ``#2``, ``#3`` for more of the same."""

    def __init__(self, drafts: Mapping[str, Draft]) -> None:
        self.incoming: dict[str, list[str]] = {name: [] for name in drafts}
        self.begins: dict[str, tuple[Transition, ...]] = {}

    def made(
        self, source: str, exits: Iterable[Exit], twins: dict[str, int] | None = None, *, enters: bool = True
    ) -> tuple[Transition, ...]:
        """``twins`` counts those of the same source; without ``enters`` the target's join is passed by."""
        twins = {} if twins is None else twins
        made: list[Transition] = []
        for exit_ in exits:
            plain = f"{source}->{exit_.target}"
            twins[plain] = twins.get(plain, 0) + 1
            own_id = plain if twins[plain] == 1 else f"{plain}#{twins[plain]}"
            made.append(Transition(id=own_id, target=exit_.target, when=exit_.when, otherwise=exit_.otherwise))
            if exit_.target and enters:
                self.incoming[exit_.target].append(own_id)
        return tuple(made)

    def leaving(self, draft: Draft) -> Step:
        """The step with its ways out."""
        step, twins = draft.step, dict[str, int]()
        changes: dict[str, Any] = {
            "split": draft.routes.split,
            "outgoing": self.made(step.id, draft.routes.exits, twins),
        }
        if draft.offers:
            changes["offers"] = self.made(step.id, draft.offers, twins, enters=False)
        sides = iter(self.made(step.id, draft.sides, twins))
        if step.catches:
            changes["catches"] = tuple(msgspec.structs.replace(one, exit=next(sides)) for one in step.catches)
        if isinstance(step, ListenStep):
            changes["options"] = tuple(
                one if one.exit is None else msgspec.structs.replace(one, exit=next(sides)) for one in step.options
            )
        if isinstance(step, BlockStep | EachStep):
            changes["start"] = self.begins[step.id]
        return msgspec.structs.replace(step, **changes)
