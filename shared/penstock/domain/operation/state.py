"""How far an operation is: who is to be asked, who was and has not answered, and how many did what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from penstock.domain.operation.orders import Action

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
BITE: Final = 100
"""Targets of one event."""
MAX_WAITING: Final = 1_000
"""Targets that have not answered; more are asked when these have: partitions are not flooded."""

Stage: TypeAlias = Literal["never", "running", "paused", "cancelled", "completed"]


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="operation"):
    """
    ``left`` are the targets to be asked, of which ``received`` have come of ``total``; ``waiting`` those that were
    asked and have not answered.

    An operation never ends: one that is over stays, small, so that the same one never begins again.
    """

    stage: Stage = "never"
    action: Action = "pause"
    arguments: dict[str, Any] = {}
    expected: tuple[str, ...] = ()
    total: int = 0
    received: int = 0
    left: tuple[str, ...] = ()
    waiting: dict[str, None] = {}
    sent: int = 0
    accepted: int = 0
    refused: int = 0


NEVER: Final = Operation()


def due_at(state: Operation) -> datetime | None:
    """When the clock has to come back: at once, while there is somebody to ask."""
    return AT_ONCE if may_advance(state) else None


def may_advance(state: Operation) -> bool:
    return state.stage == "running" and bool(state.left) and len(state.waiting) <= MAX_WAITING - BITE


def is_over(state: Operation) -> bool:
    """Whether every target has answered."""
    return state.received == state.total and not state.left and not state.waiting
