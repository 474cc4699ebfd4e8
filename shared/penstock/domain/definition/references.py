"""That every step which is named is there, and in the same body as the one that leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Report, suggest
from penstock.domain.definition.model import CompensateStep
from penstock.domain.definition.routes import Exit, Routes


class Resolved(NamedTuple):
    """
    For the checks that follow, what leads nowhere leads to the step that was probably meant.

    ``sound`` is False where a way leads out of its body, or a name does not say which step it means: then the flow
    cannot be judged.
    """

    start: Routes
    drafts: dict[str, Draft]
    sound: bool


def resolved(start: Routes, drafts: dict[str, Draft], repeated: frozenset[str], report: Report) -> Resolved:
    """Report references that lead nowhere or into another body."""
    if not drafts:
        return Resolved(start, drafts, sound=True)
    look = _Look(drafts, repeated, report)
    begin = look.routes(start, "")
    made = {name: look.draft(draft) for name, draft in drafts.items()}
    return Resolved(begin, made, not look.crossed and not repeated)


class _Look:
    def __init__(self, drafts: Mapping[str, Draft], repeated: frozenset[str], report: Report) -> None:
        self._drafts, self._repeated, self._report = drafts, repeated, report
        self.crossed = False

    def draft(self, draft: Draft) -> Draft:
        step = draft.step
        everywhere = isinstance(step, CompensateStep)
        return draft._replace(
            routes=self.routes(draft.routes, step.within),
            sides=self._exits(draft.sides, step.within),
            offers=self._exits(draft.offers, step.within),
            begin=None if draft.begin is None else self.routes(draft.begin, step.id),
            named=self._exits(draft.named, None if everywhere else step.within),
        )

    def routes(self, routes: Routes, within: str) -> Routes:
        exits = self._exits(routes.exits, within)
        return routes if exits is routes.exits else routes._replace(exits=exits)

    def _exits(self, exits: tuple[Exit, ...], within: str | None) -> tuple[Exit, ...]:
        """``within`` is the body that they belong to; None where any will do."""
        if all(self._fits(exit_, within) for exit_ in exits):
            return exits
        return tuple(exit_ if self._fits(exit_, within) else self._repaired(exit_, within) for exit_ in exits)

    def _fits(self, exit_: Exit, within: str | None) -> bool:
        if not exit_.target or exit_.target in self._repeated:
            return True
        found = self._drafts.get(exit_.target)
        return found is not None and within in (None, found.step.within)

    def _repaired(self, exit_: Exit, within: str | None) -> Exit:
        target = exit_.target
        if target in self._drafts:
            self.crossed = True
            message = f"step {target!r} is not in the same body"
            advice = self._way(target, within or "")
            self._report.error("CROSSES_BODY", message, exit_.path, advice, level="graph")
            return exit_._replace(target="")
        near = [name for name, draft in self._drafts.items() if within in (None, draft.step.within)]
        meant = self._report.similar(target, near)
        message = f"there is no step {target!r:.80}"
        self._report.error("DANGLING_REFERENCE", message, exit_.path, suggest(meant), level="graph")
        return exit_._replace(target=meant[0] if meant else "")

    def _way(self, target: str, within: str) -> str:
        """How to get there all the same."""
        inner = self._drafts[target].step.within
        while inner and self._drafts[inner].step.within != within:
            inner = self._drafts[inner].step.within
        if inner:
            return f"lead to {inner!r}, whose body it is in, and let that `start` with it"
        outer = within
        while outer and self._drafts[outer].step.within != self._drafts[target].step.within:
            outer = self._drafts[outer].step.within
        if outer:
            return f"let the path end here, and lead from {outer!r} to it: `next: {target}`"
        return "ways stay in the body that they begin in"
