"""What a schedule can be asked to do. Its subject holds its id."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from penstock.domain.execution.commands import FireTimers, Name
from penstock.domain.schedule.plan import Plan
from penstock.domain.starts import ReportOutcome


class CreateSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Go by ``plan`` from now on, instead of another one if there is one. The same plan again changes nothing. ``paused``
    is how a new schedule begins; one that is there stays as it is.
    """

    plan: Plan
    paused: bool = False
    by: Name = "system"


class PauseSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: Name = "system"


class ResumeSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Go on; ticks of the pause are made good as the plan says."""

    by: Name = "system"


class DeleteSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: Name = "system"


class TriggerSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Start one execution now, beside the ticks, paused or not."""

    by: Name = "system"


ScheduleCommand: TypeAlias = (
    CreateSchedule | PauseSchedule | ResumeSchedule | DeleteSchedule | TriggerSchedule | ReportOutcome | FireTimers
)
