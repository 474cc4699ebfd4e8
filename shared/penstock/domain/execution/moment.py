"""What a decision about an execution needs beside its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.definition.model import Definition
from penstock.domain.execution.names import names_of
from penstock.domain.execution.state import Execution


@dataclass(frozen=True, slots=True)
class Moment:
    """The execution's id, its definition, and the time."""

    execution_id: str
    definition: Definition
    now: datetime

    def names(self, state: Execution, **more: Any) -> dict[str, Any]:
        return names_of(self.execution_id, state, self.now, **more)
