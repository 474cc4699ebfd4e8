from datetime import timedelta

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import due_at
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import NOON, complete, event, fail, given

RETRIED = "steps: {a: {task: t, retry: {attempts: 3, backoff: 10s, factor: 2, cap: 15s, never: [STOLEN]}}}"


def test_a_failed_attempt_is_tried_again_after_its_backoff() -> None:
    story = given(RETRIED).started().when(fail("a"))
    story.then(event(e.TaskFailed, attempt=1, retry_at=NOON + timedelta(seconds=10)))
    story.passes(9).then_nothing()
    story.passes(1).then(event(e.TaskScheduled, visit=1, attempt=2, consumed=()))


def test_the_backoff_grows_to_its_cap() -> None:
    story = given(RETRIED).started().when(fail("a")).passes(10).when(fail("a"))
    story.then(event(e.TaskFailed, attempt=2, retry_at=NOON + timedelta(seconds=10 + 15)))


def test_every_attempt_has_the_same_input() -> None:
    text = """
    start: [a, b]
    steps: {a: {task: t, input: {n: "{{ n }}"}, retry: {backoff: 1s}}, b: {task: t, output: {n: "{{ output }}"}}}
    """
    given(text).started(n=1).when(fail("a")).when(complete("b", 2)).passes(1).then(
        event(e.TaskScheduled, attempt=2, input={"n": 1})
    )


def test_the_last_attempt_fails_the_execution() -> None:
    story = given(RETRIED).started()
    for _ in range(2):
        story.when(fail("a")).passes(20)
    story.when(fail("a")).then(
        event(e.TaskFailed, attempt=3, retry_at=None), event(e.ExecutionFailed, step="a", visit=1, status="failed")
    )


@pytest.mark.parametrize("failing", [fail("a", retryable=False), fail("a", code="STOLEN")])
def test_what_cannot_be_retried_fails_at_once(failing: object) -> None:
    given(RETRIED).started().when(failing).then(event(e.TaskFailed, retry_at=None), event(e.ExecutionFailed))  # type: ignore[arg-type]


def test_a_late_result_of_an_earlier_attempt_is_refused_by_name() -> None:
    story = given(RETRIED).started().when(fail("a")).passes(10)
    story.when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.ATTEMPT_SUPERSEDED, "attempt 2")


def test_a_result_between_two_attempts_is_refused() -> None:
    story = given(RETRIED).started().when(fail("a"))
    story.when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_jitter_derives_from_the_attempt_so_that_a_replay_waits_as_long() -> None:
    text = "steps: {a: {task: t, retry: {backoff: 100s, jitter: 0.5}}}"
    first, second = (due_at(given(text).started().when(fail("a")).state) for _ in range(2))
    assert first == second
    assert first is not None
    assert 50 <= (first - NOON).total_seconds() <= 150


def test_other_branches_go_on_until_the_execution_has_failed_and_no_further() -> None:
    text = """
    start: [a, b]
    steps: {a: {task: t, retry: {attempts: 1}}, b: {task: t, next: c}, c: {task: t}}
    """
    story = given(text).started().when(fail("a"))
    story.when(complete("b")).then(event(e.TaskCompleted, taken=("b->c",)))
    story.when(c.RetryExecution()).then(
        event(e.ExecutionRetried, visits=(1,), status="running"),
        event(e.TaskScheduled, step="a", attempt=2),
        event(e.TaskScheduled, step="c"),
    )
