"""That a step has one lock at most."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Report
from penstock.domain.definition.model import BlockStep


def check_locks(drafts: Mapping[str, Draft], report: Report) -> None:
    """Report the locks of steps that their body lets in one at a time already: they could only have one of the two."""
    for draft in drafts.values():
        around = drafts[draft.step.within].step if draft.step.within in drafts else None
        if draft.step.lock is not None and isinstance(around, BlockStep) and around.one_at_a_time:
            message = f"the body of {around.id!r} lets its steps in one at a time, which is a lock already"
            advice = "put the lock on the block, or the step into a block of its own with that lock"
            report.at_key("CONFLICT", message, (*draft.path, "lock"), advice, level="graph")
