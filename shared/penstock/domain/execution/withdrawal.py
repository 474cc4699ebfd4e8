"""How the open steps of an execution are withdrawn when it ends by order."""

from __future__ import annotations

from penstock.domain.execution.events import StepCancelled
from penstock.domain.execution.state import Execution, OpenTask


def withdrawn(state: Execution, reason: str) -> tuple[StepCancelled, ...]:
    """The open steps of an execution that ends by order, the latest first: the deepest goes before what it is in."""
    return tuple(
        StepCancelled(
            visit=number, step=visit.step, attempt=visit.attempt if isinstance(visit, OpenTask) else 0, reason=reason
        )
        for number, visit in sorted(state.visits.items(), reverse=True)
    )
