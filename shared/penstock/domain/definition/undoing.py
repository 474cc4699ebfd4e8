"""That what is to be undone can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Report
from penstock.domain.definition.model import BlockStep, CompensateStep, Graph, TaskStep, WorkflowStep

_ADVICE = "write `undo: {task: …}` at what is to be undone"


def check_undoing(head: Graph, drafts: Mapping[str, Draft], report: Report) -> None:
    """Advise where a compensation has nothing that it could undo."""
    undone = set(_with_enclosing(drafts))
    for key, wanted in (("on_failure", head.on_failure), ("on_cancel", head.on_cancel)):
        if wanted == "compensate" and not undone:
            report.warn("UNDO_MISSING", "no step says how it is undone", (key,), _ADVICE, level="advice")
    for draft in drafts.values():
        if not isinstance(draft.step, CompensateStep):
            continue
        if not draft.named and not undone:
            report.warn(
                "UNDO_MISSING", "no step says how it is undone", (*draft.path, "compensate"), _ADVICE, level="advice"
            )
        for exit_ in draft.named:
            if exit_.target and exit_.target not in undone:
                message = f"step {exit_.target!r} does not say how it is undone"
                report.warn("UNDO_MISSING", message, exit_.path, _ADVICE, level="advice")


def _with_enclosing(drafts: Mapping[str, Draft]) -> Iterator[str]:
    """The steps that can be undone, and those whose bodies they are in."""
    for draft in drafts.values():
        if isinstance(draft.step, TaskStep | BlockStep | WorkflowStep) and draft.step.undo:
            name = draft.step.id
            while name in drafts:
                yield name
                name = drafts[name].step.within
