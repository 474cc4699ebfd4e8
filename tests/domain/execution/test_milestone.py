"""Rules of steps that an open step offers (docs/semantics.md, 12)."""

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import complete, event, fail, given

ORDER = """
steps:
  accept: {task: t, next: pick}
  pick: {task: t, retry: {attempts: 1}, offers: [change, note], next: ship}
  ship: {task: t}
  change: {task: t, next: tell}
  note: {task: t}
  tell: {task: t}
"""
CHANGE = c.StartStep(step="change")


def test_an_offered_step_can_be_started_while_the_offering_one_is_open_and_does_not_touch_it() -> None:
    story = given(ORDER).started().when(complete("accept"))
    story.when(c.StartStep(step="change", by="ann")).then(
        event(e.StepOffered, step="pick", visit=2, by="ann"), event(e.TaskScheduled, step="change")
    )
    assert story.open_tasks() == ["change", "pick"]
    assert story.when(complete("change")).open_tasks() == ["pick", "tell"]


def test_before_and_after_it_is_refused() -> None:
    story = given(ORDER).started().when(CHANGE).then_rejected(RejectionCode.STEP_NOT_OFFERED, "'change'")
    story.when(complete("accept")).when(complete("pick"))
    story.when(CHANGE).then_rejected(RejectionCode.STEP_NOT_OFFERED)
    story.when(complete("ship")).when(CHANGE).then_rejected(RejectionCode.EXECUTION_ENDED)


def test_a_step_that_nobody_offers_and_one_that_is_unknown_are_refused() -> None:
    story = given(ORDER).started().when(complete("accept"))
    story.when(c.StartStep(step="ship")).then_rejected(RejectionCode.STEP_NOT_OFFERED)
    story.when(c.StartStep(step="nowhere")).then_rejected(RejectionCode.STEP_UNKNOWN, "'nowhere'")


def test_each_of_several_offers_can_be_taken_and_more_than_once() -> None:
    story = given(ORDER).started().when(complete("accept"))
    for step in ("change", "note", "change"):
        story.when(c.StartStep(step=step))
    assert story.open_tasks() == ["change", "change", "note", "pick"]


def test_what_was_started_goes_on_when_the_offering_step_is_over_and_is_waited_for() -> None:
    story = given(ORDER).started().when(complete("accept")).when(CHANGE)
    story.when(complete("pick")).when(complete("ship"))
    assert story.open_tasks() == ["change"]
    assert story.when(complete("change")).when(complete("tell")).status == "completed"


def test_a_failed_step_offers_nothing() -> None:
    story = given(ORDER).started().when(complete("accept")).when(fail("pick"))
    story.when(CHANGE).then_rejected(RejectionCode.STEP_NOT_OFFERED)
    assert story.when(c.RetryExecution()).when(CHANGE).open_tasks() == ["change", "pick"]


def test_a_step_between_two_attempts_still_offers() -> None:
    story = given(ORDER.replace("attempts: 1", "attempts: 2")).started().when(complete("accept")).when(fail("pick"))
    assert story.when(CHANGE).open_tasks() == ["change"]


def test_a_step_that_waits_for_its_lock_is_not_open_yet_and_offers_nothing() -> None:
    text = """
    start: [a, b]
    steps: {a: {task: t, lock: desk}, b: {task: t, lock: desk, offers: [c]}, c: {task: t}}
    """
    story = given(text).started().when(c.StartStep(step="c")).then_rejected(RejectionCode.STEP_NOT_OFFERED)
    assert story.when(complete("a")).when(c.StartStep(step="c")).open_tasks() == ["b", "c"]


def test_while_paused_it_is_recorded_and_the_step_is_entered_on_resuming() -> None:
    story = given(ORDER).started().when(complete("accept")).when(c.PauseExecution())
    story.when(CHANGE).then(event(e.StepOffered, step="pick"))
    assert story.open_tasks() == ["pick"]
    assert story.when(c.ResumeExecution()).open_tasks() == ["change", "pick"]


@pytest.mark.parametrize("kind", ["wait: 1h", "wait: {message: m, key: k}", "workflow: other", "do: {x: {task: t}}"])
def test_every_kind_of_step_that_takes_time_can_offer(kind: str) -> None:
    story = given(f"steps: {{a: {{{kind}, offers: [b]}}, b: {{task: t}}}}").started()
    assert "b" in story.when(c.StartStep(step="b")).open_tasks()


def test_the_started_step_lives_in_the_scope_of_the_offering_one() -> None:
    text = """
    steps:
      all: {each: 2, at_once: 1, do: {a: {task: t, offers: [b]}, b: {task: t, input: "{{ index }}"}}}
    """
    story = given(text).started().when(c.StartStep(step="b")).when(complete("a"))
    assert story.open_tasks() == ["b"]  # the copy is not over, so that the next one has not begun
    story.when(complete("b"))
    assert story.open_tasks() == ["a"]
    story.when(c.StartStep(step="b"))
    assert story.events[-1].input == 1  # type: ignore[union-attr]


def test_a_started_step_enters_whatever_its_join_is() -> None:
    text = """
    start: [a, b, c]
    steps:
      a: {task: t, offers: [d]}
      b: {task: t, next: d}
      c: {task: t, next: d}
      d: {task: t, join: all}
    """
    story = given(text).started().when(c.StartStep(step="d"))
    assert story.open_tasks() == ["a", "b", "c", "d"]
    story.when(complete("b")).when(complete("c"))
    assert story.open_tasks() == ["a", "d", "d"]
