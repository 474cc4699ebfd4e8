"""The verb ``react`` of schedules: what an event obliges them to start."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.effects import SendCommand
from penstock.domain.schedule import events as e
from penstock.domain.starts import StartRefused, start_of


def react(subject: str, event: e.ScheduleEvent) -> tuple[SendCommand, ...]:
    """What the schedule ``subject`` asks of others because of ``event``."""
    match event:
        case e.ScheduleFired():
            return (start_of(subject, event),)
        case (
            e.ScheduleCreated()
            | e.ScheduleChanged()
            | e.TicksMissed()
            | e.TickFailed()
            | e.SchedulePaused()
            | e.ScheduleResumed()
            | e.ScheduleDeleted()
            | StartRefused()
        ):
            return ()
        case _:
            assert_never(event)
