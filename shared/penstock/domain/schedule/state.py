"""What a schedule holds: its plan, and when it is due next."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from penstock.domain.schedule.plan import Plan


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="schedule"):
    """
    ``plan`` is None in one that was deleted, and in one that never was (``known`` tells them apart). ``fired`` counts
    the executions that it has started.

    A schedule never ends: one that was deleted stays, small, so that its sequence and its numbers go on.
    """

    plan: Plan | None = None
    next_due_at: datetime | None = None
    paused: bool = False
    fired: int = 0
    known: bool = False


NEVER: Final = Schedule()


def due_at(state: Schedule) -> datetime | None:
    """When the clock has to come back: the next tick, unless it is paused."""
    return None if state.paused else state.next_due_at
