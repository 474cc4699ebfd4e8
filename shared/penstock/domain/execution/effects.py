"""What events oblige the world to do. Carried out in the same transaction as the events that cause them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchTask:
    """Offer an attempt to the workers of its queue."""

    task_id: str
    execution_id: str
    step: str
    visit: int
    attempt: int
    task: str
    queue: str
    input: Any
    timeout: float | None
    heartbeat: float | None
    claim: bool
    start_by: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTask:
    """Tell the workers that an attempt is no longer wanted."""

    task_id: str
    execution_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommand:
    """
    Ask another entity for something: a command in the same transaction, its id derived from its cause (decisions 7).

    ``command`` is any command of the registry; the domain's kinds of entities do not import one another.
    """

    subject: str
    command: msgspec.Struct


Effect: TypeAlias = DispatchTask | WithdrawTask | SendCommand


def task_id(execution_id: str, step: str, visit: int, attempt: int) -> str:
    """The id of an attempt, which is its idempotency key as well (decisions 12)."""
    return f"{execution_id}/{step}/{visit}/{attempt}"
