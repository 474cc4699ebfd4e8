from datetime import timedelta

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import events as e
from penstock.domain.execution.state import due_at
from tests.domain.execution.story import NOON, complete, event, given

WAIT = "steps: {cool: {wait: 5m, next: ship}, ship: {task: t}}"


def test_a_wait_is_a_timer_and_the_execution_is_waiting() -> None:
    story = given(WAIT).started()
    story.then(event(e.ExecutionStarted), event(e.TimerStarted, due_at=NOON + timedelta(minutes=5), status="waiting"))
    assert due_at(story.state) == NOON + timedelta(minutes=5)


def test_a_timer_never_fires_early() -> None:
    given(WAIT).started().passes(299.999).then_nothing()


def test_a_due_timer_leads_on_and_the_execution_runs_again() -> None:
    given(WAIT).started().passes(300).then(
        event(e.TimerFired, taken=("cool->ship",)), event(e.TaskScheduled, step="ship", status="running")
    )


def test_timers_fire_in_the_order_in_which_they_were_due() -> None:
    story = given("start: [a, b]\nsteps: {a: {wait: 2m}, b: {wait: 1m}}").started().passes(600)
    assert [event.step for event in story.events if isinstance(event, e.TimerFired)] == ["b", "a"]


def test_a_wait_until_a_moment() -> None:
    text = 'steps: {a: {wait: {until: "{{ date }}"}}}'
    given(text).started(date="2026-01-02T00:00:00+01:00").then(
        event(e.ExecutionStarted), event(e.TimerStarted, due_at=NOON + timedelta(hours=11))
    )


def test_a_moment_that_has_passed_is_due_at_once() -> None:
    story = given('steps: {a: {wait: {until: "{{ date }}"}}}').started(date="2020-01-01T00:00:00Z")
    story.passes(0).then(event(e.TimerFired), event(e.ExecutionCompleted))


def test_a_wait_can_take_its_length_from_the_data() -> None:
    given('steps: {a: {wait: "{{ pause }}"}}').started(pause="90s").then(
        event(e.ExecutionStarted), event(e.TimerStarted, due_at=NOON + timedelta(seconds=90))
    )


def test_a_length_that_is_none_fails_by_name() -> None:
    story = given('steps: {a: {wait: "{{ pause }}"}}').started(pause="soon")
    story.then(event(e.ExecutionStarted), event(e.StepFailed), event(e.ExecutionFailed))
    assert story.events[1].failure.code == ErrorCode.EXPRESSION_FAILED  # type: ignore[union-attr]


def test_an_execution_that_takes_too_long_is_parked_as_failed() -> None:
    story = given("timeout: 1h\nsteps: {a: {task: t}}").started().passes(3600)
    story.then(event(e.ExecutionFailed, status="failed"))
    assert story.events[0].failure.code == ErrorCode.EXECUTION_TIMED_OUT  # type: ignore[union-attr]
    story.when(complete("a")).then(event(e.TaskCompleted))
