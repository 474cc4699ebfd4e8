from datetime import timedelta

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import due_at
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import NOON, claim, complete, event, given

SHORT = "steps: {a: {task: t}}"
LONG = "steps: {a: {task: t, timeout: 5m}}"
BEATING = "steps: {a: {task: t, heartbeat: 10s}}"


def test_a_short_task_asks_for_no_claim_and_has_no_timer() -> None:
    story = given(SHORT).started().then(event(e.ExecutionStarted), event(e.TaskScheduled, claim=False, timeout=10))
    story.passes(3600).then_nothing()


def test_a_long_task_asks_for_a_claim() -> None:
    given(LONG).started().then(event(e.ExecutionStarted), event(e.TaskScheduled, claim=True, timeout=300))


def test_the_time_limit_counts_from_the_claim() -> None:
    story = given(LONG).started()
    story.when(claim("a"), after=1000).then(event(e.TaskClaimed, expires_at=NOON + timedelta(seconds=1300)))
    story.passes(300).then(event(e.TaskFailed, attempt=1))
    assert story.events[0].failure.code == ErrorCode.TASK_TIMED_OUT  # type: ignore[union-attr]


def test_the_same_claim_again_is_done_already() -> None:
    given(LONG).started().when(claim("a")).when(claim("a")).then_nothing()


def test_a_second_worker_is_refused() -> None:
    given(LONG).started().when(claim("a", "w1", "t1")).when(claim("a", "w2", "t2")).then_rejected(
        RejectionCode.TASK_CLAIMED_BY_OTHER, "w1"
    )


def test_three_missed_heartbeats_lose_the_task() -> None:
    story = given(BEATING).started().when(claim("a"))
    story.passes(29).then_nothing()
    story.passes(1).then(event(e.TaskFailed))
    assert story.events[0].failure.code == ErrorCode.TASK_LOST  # type: ignore[union-attr]


def test_a_heartbeat_moves_the_deadline_without_an_event() -> None:
    story = given(BEATING).started().when(claim("a"))
    story.when(c.HeartbeatTask(visit=1, attempt=1, token="t1"), after=25).then_nothing()
    beats = {1: story.now}
    assert due_at(story.state, beats) == NOON + timedelta(seconds=55)
    story.when(c.FireTimers(beats=beats), after=29).then_nothing()
    story.when(c.FireTimers(beats=beats), after=1).then(event(e.TaskFailed))


def test_a_heartbeat_with_another_token_is_refused() -> None:
    story = given(BEATING).started().when(claim("a"))
    story.when(c.HeartbeatTask(visit=1, attempt=1, token="t2")).then_rejected(RejectionCode.TASK_CLAIMED_BY_OTHER)


def test_a_task_that_nobody_begins_in_time_fails() -> None:
    story = given("steps: {a: {task: t, start_within: 1m, retry: {attempts: 1}}}").started()
    story.then(event(e.ExecutionStarted), event(e.TaskScheduled, claim=True, start_by=NOON + timedelta(minutes=1)))
    story.passes(60).then(event(e.TaskFailed), event(e.ExecutionFailed))
    assert story.events[0].failure.code == ErrorCode.TASK_NOT_STARTED  # type: ignore[union-attr]


def test_an_attempt_that_nobody_took_is_offered_again_before_the_queue_forgets_it() -> None:
    story = given(SHORT).started()
    story.passes(6 * 24 * 3600).then(event(e.TaskScheduled, visit=1, attempt=1))
    story.when(complete("a")).then(event(e.TaskCompleted), event(e.ExecutionCompleted))
