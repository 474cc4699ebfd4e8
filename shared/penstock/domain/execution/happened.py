"""What all events of an execution have in common, and the conditions that they record."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Status: TypeAlias = Literal["running", "waiting", "paused", "failed", "completed", "cancelled", "terminated"]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition that was evaluated: what it said, what it gave, what it saw (VAR-06)."""

    expression: str
    result: bool
    seen: dict[str, Any] = {}


class Happened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    status: Status | None = None
