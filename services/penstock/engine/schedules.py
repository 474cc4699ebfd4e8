"""Schedules as a kind of entity."""

from __future__ import annotations

from typing import Final, get_args

from penstock.domain.schedule.commands import (
    CreateSchedule,
    DeleteSchedule,
    PauseSchedule,
    ResumeSchedule,
    ScheduleCommand,
    TriggerSchedule,
)
from penstock.domain.schedule.decide import decide
from penstock.domain.schedule.evolve import evolve
from penstock.domain.schedule.react import react
from penstock.domain.schedule.state import NEVER, due_at
from penstock.engine.plain_kind import PlainKind

SCHEDULES: Final = PlainKind(
    commands=frozenset(get_args(ScheduleCommand)),
    callers=frozenset({CreateSchedule, PauseSchedule, ResumeSchedule, DeleteSchedule, TriggerSchedule}),
    nothing=NEVER,
    decide=lambda subject, state, command, now: decide(state, command, subject, now),
    apply=evolve,
    oblige=react,
    due=due_at,
    asked=lambda event: getattr(event, "by", None) is not None,
)
