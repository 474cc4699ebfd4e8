"""The verb ``decide`` of schedules: each due tick starts one execution, never early, and never one twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple, assert_never

import msgspec

from penstock.domain.execution.commands import FireTimers
from penstock.domain.ids import derived_id
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.schedule import commands as c
from penstock.domain.schedule import events as e
from penstock.domain.schedule.plan import Plan, check, first_after, following, overdue, same_times
from penstock.domain.schedule.state import Schedule
from penstock.domain.starts import ReportOutcome, StartRefused, worked_out

MAX_FIRED: Final = 100
MAX_BYTES: Final = 1 << 20
"""Of one decision (decisions 10); what is due beyond that goes on in the next one, at once."""
LATE: Final = timedelta(minutes=1)
"""A tick that is noticed later than this was missed."""

Events = tuple[e.ScheduleEvent, ...]


class _Tick(NamedTuple):
    """A moment that starts an execution, as the firing ``number``."""

    due_at: datetime
    next_due_at: datetime
    number: int


def decide(state: Schedule, command: c.ScheduleCommand, subject: str, now: datetime) -> Events:
    """
    The events that ``command`` to the schedule ``subject`` causes; none when it was done already.

    Raises:
        Rejected: there is no such schedule, or its plan can never work.

    """
    match command:
        case c.CreateSchedule():
            return _create(state, command, now)
        case c.PauseSchedule(by=by):
            _known(state, subject)
            return () if state.paused else (e.SchedulePaused(by=by),)
        case c.ResumeSchedule(by=by):
            return _resume(state, subject, by, now)
        case c.DeleteSchedule(by=by):
            return _delete(state, subject, by)
        case c.TriggerSchedule(by=by):
            return _trigger(state, subject, by, now)
        case ReportOutcome(execution=execution, code=code):
            return (StartRefused(execution=execution, code=code),) if state.known and code else ()
        case FireTimers():
            return _tick(state, subject, now)
        case _:
            assert_never(command)


def _create(state: Schedule, command: c.CreateSchedule, now: datetime) -> Events:
    plan, before = command.plan, state.plan
    if plan == before:
        return ()
    check(plan, now)
    if before is None:
        due = first_after(plan, now)
        return (e.ScheduleCreated(plan=plan, next_due_at=due, paused=command.paused, by=command.by),)
    due = state.next_due_at if same_times(plan, before) and state.next_due_at else first_after(plan, now)
    return (e.ScheduleChanged(plan=plan, next_due_at=due, by=command.by),)


def _resume(state: Schedule, subject: str, by: str, now: datetime) -> Events:
    plan, due = _known(state, subject)
    if not state.paused:
        return ()
    if plan.catch_up != "none" or due > now:
        return (e.ScheduleResumed(next_due_at=due, by=by),)
    lost = overdue(plan, due, now)
    return (e.ScheduleResumed(next_due_at=lost.next_due_at, missed=lost.ticks, by=by),)


def _delete(state: Schedule, subject: str, by: str) -> Events:
    if state.plan is None and state.known:
        return ()
    _known(state, subject)
    return (e.ScheduleDeleted(by=by),)


def _trigger(state: Schedule, subject: str, by: str, now: datetime) -> Events:
    plan, due = _known(state, subject)
    fired = _fired(plan, subject, _Tick(now, due, state.fired + 1), now)
    return (msgspec.structs.replace(fired, by=by),)


def _tick(state: Schedule, subject: str, now: datetime) -> Events:
    plan, due = state.plan, state.next_due_at
    if plan is None or due is None or state.paused or due > now:
        return ()
    if plan.catch_up == "all":
        return _each(state, plan, subject, due, now)
    found = overdue(plan, due, now)
    if plan.catch_up == "none" and now - found.latest > LATE:
        return (e.TicksMissed(missed=found.ticks, due_at=due, next_due_at=found.next_due_at),)
    tick = _Tick(found.latest, found.next_due_at, state.fired + 1)
    return (_started(plan, subject, tick, now, missed=found.ticks - 1),)


def _each(state: Schedule, plan: Plan, subject: str, due: datetime, now: datetime) -> Events:
    """The earliest first, as many as one decision may hold."""
    events: list[e.ScheduleEvent] = []
    number, room = state.fired, MAX_BYTES
    while due <= now and len(events) < MAX_FIRED and room > 0:
        tick = _Tick(due, following(plan, due), number + 1)
        event = _started(plan, subject, tick, now)
        events.append(event)
        number += isinstance(event, e.ScheduleFired)
        room -= len(msgspec.json.encode(event))
        due = tick.next_due_at
    return tuple(events)


def _started(plan: Plan, subject: str, tick: _Tick, now: datetime, missed: int = 0) -> e.ScheduleFired | e.TickFailed:
    try:
        return msgspec.structs.replace(_fired(plan, subject, tick, now), missed=missed)
    except Rejected as error:
        return e.TickFailed(
            due_at=tick.due_at, next_due_at=tick.next_due_at, code=error.code, message=error.detail[:1000]
        )


def _fired(plan: Plan, subject: str, tick: _Tick, now: datetime) -> e.ScheduleFired:
    given, business_key = worked_out(plan.input, plan.business_key, now, due=tick.due_at)
    return e.ScheduleFired(
        due_at=tick.due_at,
        next_due_at=tick.next_due_at,
        number=tick.number,
        execution=derived_id(now, f"{subject}/{tick.number}"),
        definition=plan.definition,
        version=plan.version,
        input=given,
        business_key=business_key,
    )


def _known(state: Schedule, subject: str) -> tuple[Plan, datetime]:
    if state.plan is None or state.next_due_at is None:
        gone = "it was deleted" if state.known else "nobody has made it"
        raise Rejected(RejectionCode.SCHEDULE_UNKNOWN, f"expected the schedule {subject!r}, but {gone}")
    return state.plan, state.next_due_at
