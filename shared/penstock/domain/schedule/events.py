"""What has happened to a schedule. Stored for ever; ``evolve`` needs nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from penstock.domain.schedule.plan import Plan
from penstock.domain.starts import StartRefused


class ScheduleCreated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    plan: Plan
    next_due_at: datetime
    paused: bool = False
    by: str = "system"


class ScheduleChanged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It goes by another plan. Where the times are the same, the next tick is."""

    plan: Plan
    next_due_at: datetime
    by: str = "system"


class ScheduleFired(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The tick at ``due_at`` starts ``execution``, as the firing ``number`` of this schedule. ``missed`` ticks before it
    are not made good. ``by`` stands on one that a person asked for.
    """

    due_at: datetime
    next_due_at: datetime
    number: int
    execution: str
    definition: str
    version: str | None = None
    input: dict[str, Any] = {}
    business_key: str | None = None
    missed: int = 0
    by: str | None = None


class TicksMissed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many ticks, the first of them at ``due_at``, were missed and are not made good."""

    missed: int
    due_at: datetime
    next_due_at: datetime


class TickFailed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The input for the tick at ``due_at`` could not be worked out: nothing was started."""

    due_at: datetime
    next_due_at: datetime
    code: str
    message: str


class SchedulePaused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


class ScheduleResumed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``missed`` ticks of the pause are not made good; what is to be made good is due at once."""

    next_due_at: datetime
    missed: int = 0
    by: str = "system"


class ScheduleDeleted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


ScheduleEvent: TypeAlias = (
    ScheduleCreated
    | ScheduleChanged
    | ScheduleFired
    | TicksMissed
    | TickFailed
    | SchedulePaused
    | ScheduleResumed
    | ScheduleDeleted
    | StartRefused
)
