from datetime import timedelta

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import due_at
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import NOON, Story, complete, event, fail, given

TWO = "steps: {a: {task: t, retry: {attempts: 1}, next: b}, b: {task: t}}"
BRANCHES = "start: [a, b]\nsteps: {a: {task: t}, b: {wait: 1m}}"


def failed() -> Story:
    return given(TWO).started().when(fail("a"))


def test_pause_and_resume_are_done_once() -> None:
    story = given(TWO).started()
    story.when(c.PauseExecution(by="ann")).then(event(e.ExecutionPaused, by="ann", status="paused"))
    story.when(c.PauseExecution()).then_nothing()
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed, status="running"))
    story.when(c.ResumeExecution()).then_nothing()


def test_a_result_that_arrives_while_paused_is_recorded_and_leads_on_after_the_resume() -> None:
    story = given(TWO).started().when(c.PauseExecution()).when(complete("a"))
    story.then(event(e.TaskCompleted, taken=("a->b",)))
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.TaskScheduled, step="b"))


def test_a_failure_that_arrives_while_paused_fails_the_execution_after_the_resume() -> None:
    story = given(TWO).started().when(c.PauseExecution()).when(fail("a")).then(event(e.TaskFailed, retry_at=None))
    assert story.status == "paused"
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.ExecutionFailed, step="a"))


def test_a_timer_that_is_due_while_paused_fires_after_the_resume() -> None:
    story = given(BRANCHES).started().when(c.PauseExecution())
    assert due_at(story.state) is None
    story.passes(100).then_nothing()
    story.when(c.ResumeExecution())
    assert due_at(story.state) == NOON + timedelta(minutes=1)
    story.passes(0).then(event(e.TimerFired))


def test_cancel_withdraws_every_open_step_the_latest_first() -> None:
    given(BRANCHES).started().when(c.CancelExecution(reason="too dear", by="ann")).then(
        event(e.StepCancelled, step="b", attempt=0),
        event(e.StepCancelled, step="a", attempt=1),
        event(e.ExecutionCancelled, reason="too dear", by="ann", status="cancelled"),
    )


def test_a_cancelled_execution_takes_nothing_more() -> None:
    story = given(TWO).started().when(c.CancelExecution())
    story.when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.EXECUTION_ENDED, "cancelled")


@pytest.mark.parametrize("before", [c.PauseExecution(), None])
def test_terminate_ends_whatever_is_open(before: c.PauseExecution | None) -> None:
    story = given(TWO).started()
    if before is not None:
        story.when(before)
    story.when(c.TerminateExecution()).then(event(e.StepCancelled), event(e.ExecutionTerminated, status="terminated"))


def test_a_failed_execution_can_be_terminated() -> None:
    failed().when(c.TerminateExecution()).then(event(e.StepCancelled, step="a"), event(e.ExecutionTerminated))


def test_retry_tries_the_failed_step_again_with_a_fresh_budget() -> None:
    story = failed().when(c.RetryExecution(by="ann"))
    story.then(
        event(e.ExecutionRetried, visits=(1,), by="ann", status="running"),
        event(e.TaskScheduled, visit=1, attempt=2),
    )
    story.when(complete("a")).then(event(e.TaskCompleted), event(e.TaskScheduled, step="b"))


def test_retry_enters_again_a_step_that_could_not_be_entered() -> None:
    text = 'steps: {a: {wait: "{{ pause }}"}}'
    story = given(text).started().when(c.RetryExecution())
    story.then(event(e.ExecutionRetried), event(e.StepFailed, visit=1, consumed=()), event(e.ExecutionFailed))


@pytest.mark.parametrize(
    ("story", "command", "target"),
    [
        (given(TWO).started(), c.RetryExecution(), "running"),
        (failed(), c.PauseExecution(), "paused"),
        (failed(), c.ResumeExecution(), "running"),
        (failed(), c.CancelExecution(), "cancelled"),
    ],
)
def test_a_forbidden_transition_names_both_states(story: Story, command: c.ExecutionCommand, target: str) -> None:
    story.when(command).then_rejected(RejectionCode.INVALID_STATE_TRANSITION, story.status, target)


@pytest.mark.parametrize(
    "command",
    [c.PauseExecution(), c.ResumeExecution(), c.CancelExecution(), c.TerminateExecution(), c.RetryExecution()],
)
def test_nothing_can_be_asked_of_what_was_never_started(command: c.ExecutionCommand) -> None:
    given(TWO).when(command).then_rejected(RejectionCode.EXECUTION_UNKNOWN)


def test_a_failed_execution_is_terminated_after_thirty_days() -> None:
    story = failed()
    assert due_at(story.state) == NOON + timedelta(days=30)
    story.passes(30 * 24 * 3600).then(event(e.StepCancelled), event(e.ExecutionTerminated, by="clock"))
