"""The routing step: a choice, a fork, a join, or a place where variables are set. Passed at once."""

from __future__ import annotations

from typing import Any

from penstock.domain.definition.model import RouteStep
from penstock.domain.execution.events import StepPassed
from penstock.domain.execution.names import Names, render
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import leave


def enter(step: RouteStep, entry: Entry) -> StepPassed:
    """
    In and out in one event; the conditions see the variables that the step has set.

    Raises:
        StepFailure: an expression failed, or no branch is open.

    """
    changed = {name: render(value, entry.names, step.id) for name, value in (step.set or {}).items()}
    taken, evaluations = leave(step, _with(entry, changed) if changed else entry.names)
    return StepPassed(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        set=changed,
        taken=taken,
        evaluations=evaluations,
    )


def _with(entry: Entry, changed: dict[str, Any]) -> Names:
    names = {**entry.names(), **changed, "variables": {**entry.variables, **changed}}
    return lambda: names
