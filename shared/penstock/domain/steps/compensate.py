"""The compensating step: undoes what was completed."""

from __future__ import annotations

from penstock.domain.definition.model import CompensateStep
from penstock.domain.execution.events import CompensationStarted
from penstock.domain.execution.places import completed, copies_around
from penstock.domain.execution.state import Execution
from penstock.domain.steps.entry import Entry


def enter(step: CompensateStep, entry: Entry) -> CompensationStarted:
    return CompensationStarted(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        visits=to_undo(entry.state, step.steps, entry.scope),
        parallel=step.order == "parallel",
    )


def to_undo(state: Execution, steps: tuple[str, ...] = (), scope: int = 0) -> tuple[int, ...]:
    """
    The completed visits of ``steps`` and of what was in them (none: of all), the latest first.

    In a copy of a for-each they are those of that copy: what others have done is not its own.
    """
    wanted, copies = set(steps), copies_around(state, scope)[:1]
    return tuple(
        number
        for number, undoable in reversed(completed(state).items())
        if (not copies or copies[0] in undoable.copies)
        and (not wanted or undoable.step in wanted or wanted.intersection(undoable.within))
    )
