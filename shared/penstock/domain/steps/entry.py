"""What a step is told when a token wants to enter it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.execution.names import Names
from penstock.domain.execution.places import visible
from penstock.domain.execution.state import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``consumed`` are the transitions whose tokens enter; ``names`` give what the step's expressions see."""

    execution_id: str
    visit: int
    scope: int
    consumed: tuple[str, ...]
    now: datetime
    state: Execution
    names: Names

    @property
    def variables(self) -> dict[str, Any]:
        """Those that the step sees."""
        return visible(self.state, self.scope)

    def with_variables(self, changed: dict[str, Any]) -> Names:
        """The names after ``changed`` were set."""
        if not changed:
            return self.names
        seen = self.names()
        names = {**seen, "steps": seen["steps"], **changed, "variables": {**self.variables, **changed}}
        return lambda: names
