"""What a step is told when a token wants to enter it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.execution.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``consumed`` are the transitions whose tokens enter; ``names`` give what the step's expressions see."""

    visit: int
    scope: int
    consumed: tuple[str, ...]
    now: datetime
    variables: dict[str, Any]
    names: Names
