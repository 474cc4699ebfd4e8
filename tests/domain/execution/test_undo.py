"""Undoing what was completed (``docs/semantics.md`` §10)."""

from datetime import timedelta
from typing import Any, Final

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Ended
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import NOON, Story, complete, event, fail, given

TRIP: Final = """
HEAD
steps:
  flight: {task: book-flight, undo: {task: cancel-flight, input: {seat: "{{ output.seat }}"}}, next: hotel}
  hotel: {task: book-hotel, undo: {task: cancel-hotel, retry: {attempts: 2, backoff: 1s}}, next: note}
  note: {task: note, next: car}
  car: {task: book-car, retry: {attempts: 2, backoff: 1s}, CATCH}
  sorry: {compensate: WHAT, next: mail}
  mail: {task: mail}
"""


def trip(head: str = "", catch: str = "catch: [{error: any, next: sorry}]", what: str = "all") -> Story:
    """Flight and hotel are booked."""
    text = TRIP.replace("HEAD\n", f"{head}\n" if head else "").replace("CATCH", catch).replace("WHAT", what)
    if "catch" not in catch:
        text = text[: text.index("  sorry")]
    story = given(text).started().when(complete("flight", {"seat": "7A"}))
    return story.when(complete("hotel", {"room": 12})).when(complete("note"))


def failed(story: Story) -> Story:
    """The car is not to be had."""
    return story.when(fail("car", retryable=False))


def undoing(story: Story) -> list[str]:
    """The undo tasks so far."""
    return [event.task for event, _ in story.history if isinstance(event, e.TaskScheduled) and event.undoes is not None]


def outcome(story: Story) -> str:
    assert isinstance(story.state, Ended)
    return story.state.outcome


# where a token enters it


def test_what_was_completed_is_undone_the_latest_first_one_after_another() -> None:
    story = failed(trip())
    assert (undoing(story), story.open_tasks()) == (["cancel-hotel"], ["hotel"])
    story.when(complete("hotel")).then(
        event(e.TaskCompleted, step="hotel", keep=False, taken=()),
        event(e.TaskScheduled, step="flight", task="cancel-flight", undoes=1),
    )
    story.when(complete("flight")).then(
        event(e.TaskCompleted),
        event(e.CompensationCompleted, taken=("sorry->mail",)),
        event(e.TaskScheduled, step="mail"),
    )
    story.when(complete("mail"))
    assert outcome(story) == "completed"


def test_the_input_of_an_undo_task_was_worked_out_when_its_step_completed() -> None:
    story = failed(trip())
    story.when(c.SetVariables(values={"output": {"seat": "1C"}, "seat": "1C"}))
    assert task_input(story, "cancel-hotel") == {"input": {}, "output": {"room": 12}}
    assert task_input(story.when(complete("hotel")), "cancel-flight") == {"seat": "7A"}


def task_input(story: Story, task: str) -> Any:
    (found,) = [event.input for event, _ in story.history if isinstance(event, e.TaskScheduled) and event.task == task]
    return found


def test_parallel_undoes_everything_at_once() -> None:
    story = failed(trip(what="all, order: parallel"))
    assert undoing(story) == ["cancel-hotel", "cancel-flight"]
    story.when(complete("flight"))
    assert story.open_tasks() == ["hotel"]
    assert story.when(complete("hotel")).open_tasks() == ["mail"]


def test_only_the_named_steps_are_undone_and_the_others_can_still_be() -> None:
    story = failed(trip(what="[flight]"))
    assert undoing(story) == ["cancel-flight"]
    assert story.when(complete("flight")).open_tasks() == ["mail"]


def test_nothing_is_undone_twice() -> None:
    text = """
    steps:
      a: {task: t, undo: {task: u}, next: first}
      first: {compensate: all, next: second}
      second: {compensate: [a], next: b}
      b: {task: t}
    """
    story = given(text).started().when(complete("a")).when(complete("a"))
    assert (undoing(story), story.open_tasks()) == (["u"], ["b"])


def test_what_was_not_completed_is_not_undone() -> None:
    text = """
    steps:
      a: {task: t, undo: {task: u}, catch: [{error: any, next: back}]}
      back: {compensate: all, next: b}
      b: {task: t}
    """
    story = given(text).started().when(fail("a", retryable=False))
    assert (undoing(story), story.open_tasks()) == ([], ["b"])


def test_each_visit_of_a_loop_is_undone_the_latest_first() -> None:
    text = """
    variables: {n: 0}
    steps:
      loop:
        while: n < 3
        do: {a: {task: t, output: {n: "{{ n + 1 }}"}, undo: {task: u, input: "{{ n }}"}}}
        next: back
      back: {compensate: [loop]}
    """
    story = given(text).started()
    for _ in range(6):
        story.when(complete("a"))
    inputs = [event.input for event, _ in story.history if isinstance(event, e.TaskScheduled) and event.task == "u"]
    assert (inputs, outcome(story)) == ([3, 2, 1], "completed")


def test_a_copy_undoes_what_was_completed_in_itself_and_not_in_the_other_copies() -> None:
    text = """
    steps:
      copies:
        each: 2
        do:
          a: {task: t, undo: {task: u, input: "{{ index }}"}, next: b}
          b: {task: t, catch: [{error: any, next: back}]}
          back: {compensate: [a]}
    """
    story = given(text).started().when(complete("a")).when(complete("a")).when(fail("b", retryable=False))
    assert task_input(story, "u") == 0
    story.when(complete("a")).when(complete("b"))
    assert (undoing(story), outcome(story)) == (["u"], "completed")


def test_two_compensations_at_once_undo_everything_once() -> None:
    text = """
    steps:
      a: {task: t, undo: {task: u}, next: [x, y]}
      x: {compensate: all}
      y: {compensate: all}
    """
    story = given(text).started().when(complete("a")).when(complete("a"))
    assert (undoing(story), outcome(story)) == (["u"], "completed")


BLOCK: Final = """
steps:
  block:
    do:
      a: {task: t, undo: {task: undo-a}, next: b}
      b: {task: t, undo: {task: undo-b}, next: c}
      c: {task: t}
    undo: {task: undo-block}
    catch: [{error: any, next: back}]
    next: last
  last: {task: t, catch: [{error: any, next: back}]}
  back: {compensate: [block]}
"""


def test_the_undo_of_a_completed_block_stands_for_those_of_its_steps() -> None:
    story = given(BLOCK).started()
    for step in ("a", "b", "c"):
        story.when(complete(step))
    story.when(fail("last", retryable=False))
    assert undoing(story) == ["undo-block"]
    assert outcome(story.when(complete("block"))) == "completed"


def test_of_a_block_that_was_not_completed_the_steps_are_undone() -> None:
    story = given(BLOCK).started().when(complete("a")).when(complete("b")).when(fail("c", retryable=False))
    story.when(complete("b")).when(complete("a"))
    assert (undoing(story), outcome(story)) == (["undo-b", "undo-a"], "completed")


# on failure


def test_on_failure_undoes_everything_after_the_retries_and_ends_as_cancelled_with_the_reason() -> None:
    story = trip("on_failure: compensate", catch="name: car").when(fail("car", "SOLD_OUT"))
    assert undoing(story) == []
    story.passes(1).when(fail("car", "SOLD_OUT"))
    assert undoing(story) == ["cancel-hotel"]
    story.when(complete("hotel")).when(complete("flight")).then(
        event(e.TaskCompleted),
        event(e.CompensationCompleted),
        event(e.ExecutionCancelled, reason="SOLD_OUT: it broke", status="cancelled"),
    )


def test_on_failure_withdraws_what_is_open_before_it_undoes() -> None:
    text = """
    on_failure: compensate
    start: [a, b, c]
    steps: {a: {task: t, undo: {task: u}}, b: {task: t}, c: {wait: 1h}}
    """
    story = given(text).started().when(complete("a")).when(fail("b", retryable=False))
    story.then(
        event(e.TaskFailed),
        event(e.StepCancelled, step="c"),
        event(e.StepCancelled, step="b"),
        event(e.CompensationStarted, visits=(1,), then="cancelled"),
        event(e.TaskScheduled, step="a", task="u", undoes=1),
    )
    story.when(complete("a"))
    assert outcome(story) == "cancelled"


def test_on_failure_with_nothing_to_undo_ends_as_cancelled() -> None:
    story = given("on_failure: compensate\nsteps: {a: {task: t}}").started().when(fail("a", retryable=False))
    assert outcome(story) == "cancelled"


def test_a_join_that_nothing_can_reach_is_a_failure_that_is_compensated_too() -> None:
    text = """
    on_failure: compensate
    steps:
      fork: {parallel: [a, b]}
      a: {task: t, undo: {task: u}, next: d}
      b: {task: t, next: [{when: go, next: d}, {otherwise: end}]}
      d: {task: t, join: all}
    """
    story = given(text).started(go=False).when(complete("a")).when(complete("b"))
    assert undoing(story) == ["u"]
    story.when(complete("a"))
    assert outcome(story) == "cancelled"


def test_an_execution_that_takes_too_long_is_compensated_too() -> None:
    text = "on_failure: compensate\ntimeout: 1h\nsteps: {a: {task: t, undo: {task: u}, next: b}, b: {task: t}}"
    story = given(text).started().when(complete("a")).passes(3600)
    assert undoing(story) == ["u"]
    story.when(complete("a"))
    assert outcome(story) == "cancelled"


# on cancel


def test_on_cancel_undoes_everything_first() -> None:
    story = trip("on_cancel: compensate", catch="name: car")
    late = complete("car")(story.state)
    story.when(c.CancelExecution(reason="rain", by="ann")).then(
        event(e.StepCancelled, step="car"),
        event(e.CompensationStarted, visits=(2, 1), then="cancelled", reason="rain", by="ann"),
        event(e.TaskScheduled, step="hotel", task="cancel-hotel"),
    )
    story.when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)
    story.when(complete("hotel")).when(complete("flight")).then(
        event(e.TaskCompleted), event(e.CompensationCompleted), event(e.ExecutionCancelled, reason="rain", by="ann")
    )


def test_cancelling_what_is_being_undone_already_adds_nothing() -> None:
    story = trip("on_cancel: compensate", catch="name: car").when(c.CancelExecution())
    story.when(c.CancelExecution()).then_nothing()
    assert undoing(story) == ["cancel-hotel"]


def test_a_paused_execution_that_is_cancelled_is_undone_at_once() -> None:
    story = trip("on_cancel: compensate", catch="name: car").when(c.PauseExecution()).when(c.CancelExecution())
    assert (story.status, undoing(story)) == ("running", ["cancel-hotel"])


def test_on_cancel_with_nothing_to_undo_cancels_at_once() -> None:
    story = given("on_cancel: compensate\nsteps: {a: {task: t, undo: {task: u}}}").started().when(c.CancelExecution())
    assert outcome(story) == "cancelled"


def test_terminate_undoes_nothing() -> None:
    story = trip("on_cancel: compensate", catch="name: car").when(c.TerminateExecution())
    assert (outcome(story), undoing(story)) == ("terminated", [])


def test_without_on_cancel_nothing_is_undone() -> None:
    story = trip().when(c.CancelExecution())
    assert (outcome(story), undoing(story)) == ("cancelled", [])


# undo tasks fail, pause and end


def test_an_undo_task_is_tried_again_by_its_own_policy() -> None:
    story = failed(trip()).when(fail("hotel"))
    story.then(event(e.TaskFailed, step="hotel", attempt=1))
    story.passes(1).then(event(e.TaskScheduled, task="cancel-hotel", attempt=2, undoes=2))
    assert story.when(complete("hotel")).open_tasks() == ["flight"]


@pytest.mark.parametrize("head", ["", "on_failure: compensate"])
def test_an_undo_task_that_fails_for_good_leaves_the_execution_failed_and_a_retry_goes_on_with_it(head: str) -> None:
    story = failed(trip(head)).when(fail("hotel", retryable=False))
    assert story.status == "failed"
    story.when(c.RetryExecution()).then(
        event(e.ExecutionRetried), event(e.TaskScheduled, task="cancel-hotel", attempt=2, undoes=2)
    )
    story.when(complete("hotel")).when(complete("flight")).when(complete("mail"))
    assert outcome(story) == "completed"


def test_the_failure_of_an_undo_task_is_not_taken_by_the_catch_of_the_step_that_it_undoes() -> None:
    text = """
    steps:
      a: {task: t, undo: {task: u}, catch: [{error: any, next: wrong}], next: back}
      back: {compensate: all}
      wrong: {task: t}
    """
    story = given(text).started().when(complete("a")).when(fail("a", retryable=False))
    assert (story.status, story.open_tasks()) == ("failed", [])


def test_an_undo_task_can_be_skipped_and_the_rest_is_undone() -> None:
    story = failed(trip()).when(fail("hotel", retryable=False)).when(c.SkipStep(step="hotel"))
    assert undoing(story) == ["cancel-hotel", "cancel-flight"]
    assert story.when(complete("flight")).open_tasks() == ["mail"]


def test_an_undo_task_can_be_completed_by_hand() -> None:
    story = failed(trip()).when(c.CompleteStep(step="hotel", by="ann"))
    assert undoing(story) == ["cancel-hotel", "cancel-flight"]
    assert story.when(complete("flight")).open_tasks() == ["mail"]


def test_the_result_of_an_undo_task_goes_on_after_the_resume() -> None:
    story = failed(trip()).when(c.PauseExecution()).when(complete("hotel")).then(event(e.TaskCompleted))
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.TaskScheduled, task="cancel-flight"))


def test_cancelling_while_something_is_undone_undoes_what_is_left() -> None:
    story = failed(trip("on_cancel: compensate")).when(c.CancelExecution())
    assert undoing(story) == ["cancel-hotel", "cancel-hotel"]
    story.when(complete("hotel")).when(complete("flight"))
    assert outcome(story) == "cancelled"


def test_cancelling_without_compensation_ends_the_undoing_as_well() -> None:
    story = failed(trip()).when(c.CancelExecution())
    assert (outcome(story), undoing(story)) == ("cancelled", ["cancel-hotel"])


# compensate, then retry

UNDO_FIRST: Final = """
steps:
  a:
    task: t
    retry: {attempts: 2, backoff: 1s, undo_first: true}
    undo: {task: u, input: "{{ n }}"}
"""


def test_undo_first_undoes_a_failed_attempt_before_the_next_one() -> None:
    story = (
        given(UNDO_FIRST)
        .started(n=1)
        .when(fail("a"))
        .then(
            event(e.TaskFailed, attempt=1, retry_at=NOON + timedelta(seconds=1)),
            event(e.TaskScheduled, task="u", input=1, undoes=1),
        )
    )
    story.passes(1).then_nothing()
    story.when(complete("a")).then(event(e.TaskCompleted, visit=2))
    story.passes(0).then(event(e.TaskScheduled, visit=1, task="t", attempt=2))
    story.when(complete("a"))
    assert outcome(story) == "completed"


def test_undo_first_waits_for_the_pause_between_two_attempts_all_the_same() -> None:
    story = given(UNDO_FIRST).started(n=1).when(fail("a")).when(complete("a"))
    story.passes(0.5).then_nothing()
    story.passes(0.5).then(event(e.TaskScheduled, visit=1, task="t", attempt=2))


def test_undo_first_undoes_no_attempt_that_has_no_next_one() -> None:
    story = given(UNDO_FIRST).started(n=1).when(fail("a", retryable=False))
    story.then(event(e.TaskFailed, retry_at=None), event(e.ExecutionFailed))
