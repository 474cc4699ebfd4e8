"""What a step is told when a token wants to enter it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``consumed`` are the transitions whose tokens enter; ``names`` what the step's expressions see."""

    visit: int
    scope: int
    consumed: tuple[str, ...]
    now: datetime
    names: dict[str, Any]
