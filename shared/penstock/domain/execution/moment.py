"""What a decision about an execution needs beside its state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from penstock.domain.definition.model import Definition
from penstock.domain.execution.names import Names, names_of
from penstock.domain.execution.state import Execution


@dataclass(frozen=True, slots=True)
class Moment:
    """The execution's id, its definition, and the time; ``target`` is the version that a migration goes to."""

    execution_id: str
    definition: Definition
    now: datetime
    target: Definition | None = None

    def names(self, state: Execution, scope: int = 0, **more: Any) -> Names:
        """What expressions in ``scope`` see, made when the first one looks: most steps have none."""
        return partial(names_of, self.execution_id, state, self.now, scope, **more)
