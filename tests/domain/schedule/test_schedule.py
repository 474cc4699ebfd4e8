from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from penstock.domain.execution.commands import StartExecution
from penstock.domain.rejected import RejectionCode
from penstock.domain.schedule import commands as c
from penstock.domain.schedule import events as e
from penstock.domain.schedule.decide import MAX_FIRED, decide
from penstock.domain.schedule.evolve import evolve
from penstock.domain.schedule.plan import MAX_COUNTED, MAX_INPUT, CatchUp, Plan
from penstock.domain.schedule.react import react
from penstock.domain.schedule.state import NEVER, Schedule, due_at
from penstock.domain.starts import ReportOutcome, StartRefused
from penstock.domain.subjects import schedule_of
from tests.domain.shared_story import NOON, Story

SUBJECT = schedule_of("nightly")
HOUR = 3600.0


def given() -> Story:
    return Story(
        decide=lambda state, command, now: decide(state, command, SUBJECT, now),
        evolve=evolve,
        react=lambda event: react(SUBJECT, event),
        due_at=due_at,
        nothing=NEVER,
    )


def every(seconds: float = HOUR, catch_up: CatchUp = "one", **more: Any) -> Plan:
    return Plan(definition="report", every=seconds, catch_up=catch_up, **more)


def create(plan: Plan | None = None, *, paused: bool = False) -> c.CreateSchedule:
    return c.CreateSchedule(plan=plan or every(), paused=paused, by="ann")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def fired(story: Story) -> list[datetime]:
    """The ticks that started something with the last command."""
    return [event.due_at for event in story.events if isinstance(event, e.ScheduleFired)]


def test_a_new_schedule_waits_for_its_first_tick() -> None:
    story = given().when(create())
    story.then(e.ScheduleCreated(plan=every(), next_due_at=at(HOUR), by="ann")).then_sends()
    assert due_at(story.state) == at(HOUR)
    story.again(create())


def test_a_tick_starts_an_execution_and_the_next_one_keeps_its_distance() -> None:
    plan = every(input={"day": "{{ due }}"}, business_key="{{ due }}", version="1.0.0")
    story = given().when(create(plan)).passes(HOUR + 2)
    (event,) = story.events
    due = at(HOUR).isoformat()
    assert (event.due_at, event.next_due_at, event.number) == (at(HOUR), at(2 * HOUR), 1)
    started = StartExecution(
        definition="report", version="1.0.0", input={"day": due}, business_key=due, initiated_by=SUBJECT
    )
    story.then_sends((event.execution, started))


def test_it_never_fires_early() -> None:
    story = given().when(create()).passes(HOUR - 0.001).then()
    story.passes(0.001)
    assert fired(story) == [at(HOUR)]
    story.passes(0).then()


def test_the_same_cause_makes_the_same_id_and_each_tick_another() -> None:
    ids = []
    for _ in range(2):
        story = given().when(create()).passes(HOUR)
        story.passes(HOUR)
        ids.append([event.execution for event in story.history if isinstance(event, e.ScheduleFired)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_a_cron_expression_counts_in_its_time_zone() -> None:
    plan = Plan(definition="report", cron="30 9 * * *", timezone="Asia/Kolkata")
    story = given().when(create(plan))
    assert due_at(story.state) == datetime.fromisoformat("2026-01-02T04:00:00+00:00")


@pytest.mark.parametrize(
    ("catch_up", "ticks", "missed"),
    [("none", [], 5), ("one", [5 * HOUR], 4), ("all", [n * HOUR for n in range(1, 6)], 0)],
)
def test_missed_ticks_are_made_good_as_the_plan_says(catch_up: CatchUp, ticks: list[float], missed: int) -> None:
    story = given().when(create(every(catch_up=catch_up))).passes(5.5 * HOUR)
    assert fired(story) == [at(tick) for tick in ticks]
    assert sum(event.missed for event in story.events) == missed
    assert due_at(story.state) == at(6 * HOUR)
    story.passes(HOUR / 2)
    assert fired(story) == [at(6 * HOUR)]


def test_without_catching_up_a_tick_that_is_noticed_at_once_counts() -> None:
    story = given().when(create(every(catch_up="none"))).passes(2 * HOUR + 30)
    assert fired(story) == [at(2 * HOUR)]
    assert story.events[0].missed == 1


def test_all_missed_ticks_come_in_bounded_decisions() -> None:
    story = given().when(create(every(1.0, "all"))).passes(250)
    assert fired(story) == [at(n) for n in range(1, MAX_FIRED + 1)]
    assert due_at(story.state) == at(101)
    story.passes(0).passes(0)
    assert fired(story) == [at(n) for n in range(201, 251)]
    numbers = [event.number for event in story.history if isinstance(event, e.ScheduleFired)]
    assert numbers == list(range(1, 251))


def test_large_inputs_make_smaller_decisions() -> None:
    plan = every(1.0, "all", input={"text": "x" * 60_000})
    story = given().when(create(plan)).passes(250)
    assert 1 < len(fired(story)) < 25


def test_very_many_missed_ticks_of_a_cron_expression_are_counted_so_far() -> None:
    minutely = Plan(definition="report", cron="* * * * *", catch_up="one")
    story = given().when(create(minutely)).passes(30 * 24 * HOUR + 7)
    assert fired(story) == [at(30 * 24 * HOUR)]
    assert story.events[0].missed == MAX_COUNTED - 1
    assert due_at(story.state) == at(30 * 24 * HOUR + 60)


@pytest.mark.parametrize(("catch_up", "ticks", "missed"), [("none", 0, 2), ("one", 1, 1), ("all", 2, 0)])
def test_a_pause_is_made_good_at_the_resume_as_the_plan_says(catch_up: CatchUp, ticks: int, missed: int) -> None:
    story = given().when(create(every(catch_up=catch_up))).when(c.PauseSchedule(by="ann"))
    story.then(e.SchedulePaused(by="ann")).again(c.PauseSchedule())
    assert due_at(story.state) is None
    story.passes(2 * HOUR).then()
    story.when(c.ResumeSchedule(by="bob"))
    (resumed,) = story.events
    story.again(c.ResumeSchedule())
    story.passes(0)
    assert len(fired(story)) == ticks
    assert resumed.missed + sum(event.missed for event in story.events) == missed
    assert due_at(story.state) == at(3 * HOUR)


def test_a_schedule_may_begin_paused() -> None:
    story = given().when(create(paused=True))
    assert due_at(story.state) is None
    story.passes(2 * HOUR).then()


def test_another_content_takes_its_place_and_keeps_the_tick_where_the_times_are_the_same() -> None:
    story = given().when(create()).when(c.PauseSchedule())
    other = every(input={"n": 1})
    story.when(create(other), after=60).then(e.ScheduleChanged(plan=other, next_due_at=at(HOUR), by="ann"))
    faster = every(10.0)
    story.when(create(faster)).then(e.ScheduleChanged(plan=faster, next_due_at=at(70), by="ann"))
    assert story.state.paused


def test_a_trigger_fires_now_beside_the_ticks_even_when_paused() -> None:
    story = given().when(create(paused=True)).when(c.TriggerSchedule(by="ann"), after=5)
    (event,) = story.events
    assert (event.due_at, event.next_due_at, event.by) == (at(5), at(HOUR), "ann")
    story.when(c.TriggerSchedule(by="ann"))
    assert story.events[0].execution != event.execution


def test_a_deleted_schedule_leaves_its_numbers_behind() -> None:
    story = given().when(create()).passes(HOUR).when(c.DeleteSchedule(by="ann")).then(e.ScheduleDeleted(by="ann"))
    assert story.state == Schedule(fired=1, known=True)
    story.again(c.DeleteSchedule())
    story.passes(HOUR).then()
    for command in (c.PauseSchedule(), c.ResumeSchedule(), c.TriggerSchedule()):
        story.when(command).then_rejected(RejectionCode.SCHEDULE_UNKNOWN)
    story.when(create()).passes(HOUR)
    assert story.events[0].number == 2


def test_a_schedule_that_never_was_is_unknown() -> None:
    for command in (c.PauseSchedule(), c.ResumeSchedule(), c.TriggerSchedule(), c.DeleteSchedule()):
        given().when(command).then_rejected(RejectionCode.SCHEDULE_UNKNOWN)
    given().when(ReportOutcome(execution="x", code="INPUT_INVALID")).then()


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan(definition="d"), "SCHEDULE_INVALID"),
        (Plan(definition="d", cron="* * * * *", every=5.0), "SCHEDULE_INVALID"),
        (Plan(definition="d", every=0.5), "SCHEDULE_INVALID"),
        (Plan(definition="d", every=float(10**12)), "SCHEDULE_INVALID"),
        (Plan(definition="d", cron="every day"), "SCHEDULE_INVALID"),
        (Plan(definition="d", cron="0 0 30 2 *"), "SCHEDULE_INVALID"),
        (Plan(definition="d", cron="* * * * *", timezone="Mars/Base"), "SCHEDULE_INVALID"),
        (Plan(definition="d", every=5.0, input="{{ due"), "INPUT_INVALID"),
        (Plan(definition="d", every=5.0, input="{{ due }}"), "INPUT_INVALID"),
        (Plan(definition="d", every=5.0, input={"n": "{{ amount }}"}), "INPUT_INVALID"),
        (Plan(definition="d", every=5.0, business_key="{{ [1] }}"), "INPUT_INVALID"),
        (Plan(definition="d", every=5.0, input={"text": "x" * MAX_INPUT}), "PAYLOAD_TOO_LARGE"),
    ],
)
def test_what_can_never_work_is_refused(plan: Plan, code: str) -> None:
    given().when(create(plan)).then_rejected(RejectionCode(code))


def test_a_tick_whose_input_fails_is_recorded_and_the_next_one_comes() -> None:
    story = given().when(create(every(input={"n": "{{ 12 / (15 - date_part(due, 'hour')) }}"})))
    story.passes(HOUR).passes(HOUR).passes(HOUR)
    (event,) = story.events
    assert isinstance(event, e.TickFailed)
    assert (event.due_at, event.next_due_at, event.code) == (at(3 * HOUR), at(4 * HOUR), "INPUT_INVALID")
    story.then_sends()
    story.passes(HOUR)
    assert story.events[0].number == 3


def test_a_start_that_is_refused_is_recorded() -> None:
    story = given().when(create()).passes(HOUR)
    refusal = ReportOutcome(execution=story.events[0].execution, code="DEFINITION_UNKNOWN")
    story.when(refusal).then(StartRefused(execution=refusal.execution, code="DEFINITION_UNKNOWN")).then_sends()
