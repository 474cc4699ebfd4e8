from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import claim, complete, event, given

TWO = """
steps:
  charge: {task: charge-card, next: ship}
  ship: {task: ship}
"""


def test_a_completed_task_leads_to_the_next_step() -> None:
    given(TWO).started().when(complete("charge")).then(
        event(e.TaskCompleted, step="charge", visit=1, taken=("charge->ship",)),
        event(e.TaskScheduled, step="ship", visit=2, consumed=("charge->ship",)),
    )


def test_three_tasks_in_sequence_cost_eight_events() -> None:
    story = given("steps: {a: {task: t, next: b}, b: {task: t, next: c}, c: {task: t}}").started()
    for step in ("a", "b", "c"):
        story.when(complete(step))
    assert len(story.history) == 8


def test_the_last_completion_completes_the_execution_with_its_output() -> None:
    given(TWO).started().when(complete("charge")).when(complete("ship", {"parcel": 7})).then(
        event(e.TaskCompleted), event(e.ExecutionCompleted, output={"parcel": 7}, status="completed")
    )


def test_a_task_that_is_not_open_is_refused() -> None:
    given(TWO).started().when(c.CompleteTask(visit=9, attempt=1)).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_a_completion_comes_through_once() -> None:
    late = c.CompleteTask(visit=1, attempt=1)
    given(TWO).started().when(late).when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_a_completion_before_the_start_is_refused() -> None:
    given(TWO).when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.EXECUTION_UNKNOWN)


def test_a_completion_after_the_end_is_refused() -> None:
    story = given("steps: {a: {task: t}}").started().when(complete("a"))
    story.when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.EXECUTION_ENDED, "completed")


def test_the_output_mapping_sets_variables() -> None:
    text = """
    steps:
      check: {task: check, output: {score: "{{ output.points * 2 }}", raw: "{{ output }}"}, next: ship}
      ship: {task: ship, input: {score: "{{ score }}"}}
    """
    given(text).started().when(complete("check", {"points": 4})).then(
        event(e.TaskCompleted, set={"score": 8, "raw": {"points": 4}}, keep=False),
        event(e.TaskScheduled, input={"score": 8}),
    )


def test_an_output_without_a_mapping_stays_readable_by_the_name_of_its_step() -> None:
    text = """
    steps:
      check: {task: check, next: ship}
      ship: {task: ship, input: {score: "{{ steps.check.points }}"}}
    """
    given(text).started().when(complete("check", {"points": 4})).then(
        event(e.TaskCompleted, keep=True), event(e.TaskScheduled, input={"score": 4})
    )


def test_an_output_mapping_that_fails_fails_the_step_without_another_attempt() -> None:
    text = 'steps: {check: {task: check, output: {score: "{{ output.nothing }}"}}}'
    story = given(text).started().when(complete("check", {"points": 4}))
    story.then(event(e.TaskFailed, retry_at=None), event(e.ExecutionFailed, step="check", status="failed"))
    failure = story.events[0].failure  # type: ignore[union-attr]
    assert failure.code == ErrorCode.EXPRESSION_FAILED
    assert "check" in failure.message


def test_a_claimed_task_is_completed_by_its_holder_only() -> None:
    story = given("steps: {a: {task: t, timeout: 5m}}").started().when(claim("a", worker="w1", token="mine"))
    story.when(complete("a", token="other")).then_rejected(RejectionCode.TASK_CLAIMED_BY_OTHER, "w1")
    story.when(complete("a", token="mine")).then(event(e.TaskCompleted), event(e.ExecutionCompleted))
