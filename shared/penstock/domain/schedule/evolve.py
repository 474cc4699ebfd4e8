"""The verb ``evolve`` of schedules: what an event makes of one. Never refuses."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.schedule import events as e
from penstock.domain.schedule.state import Schedule
from penstock.domain.starts import StartRefused


def evolve(state: Schedule, event: e.ScheduleEvent) -> Schedule:
    """The schedule after ``event``."""
    match event:
        case e.ScheduleCreated(plan=plan, next_due_at=due, paused=paused):
            return replace(state, plan=plan, next_due_at=due, paused=paused, known=True)
        case e.ScheduleChanged(plan=plan, next_due_at=due):
            return replace(state, plan=plan, next_due_at=due)
        case e.ScheduleFired(next_due_at=due, number=number):
            return replace(state, next_due_at=due, fired=number)
        case e.TicksMissed(next_due_at=due) | e.TickFailed(next_due_at=due):
            return replace(state, next_due_at=due)
        case e.SchedulePaused():
            return replace(state, paused=True)
        case e.ScheduleResumed(next_due_at=due):
            return replace(state, next_due_at=due, paused=False)
        case e.ScheduleDeleted():
            return Schedule(fired=state.fired, known=True)
        case StartRefused():
            return state
        case _:
            assert_never(event)
