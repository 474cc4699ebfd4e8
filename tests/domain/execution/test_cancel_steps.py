"""Rules of withdrawing steps: the step ``cancel`` (docs/semantics.md, 4), and what people withdraw or end (13)."""

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import complete, event, fail, given

CANCEL = """
start: [a, b, d, go]
steps:
  a: {task: t, next: x}
  b: {start: [p, q], do: {p: {task: t}, q: {task: t}}, next: x}
  d: {task: t}
  x: {task: t}
  go: {task: t, next: stop}
  stop: {cancel: [a, b, d], next: z}
  z: {task: t}
"""
COPIES = """
steps:
  all:
    each: [a, b, c, d, e]
    do: {ask: {task: t, next: tell}, tell: {task: t}}
    collect: "{{ steps.ask }}"
    into: votes
    catch: [{error: STEP_CANCELLED, set: {why: "{{ error.message }}"}, next: off}]
    next: on
  on: {task: t, input: "{{ votes }}"}
  off: {task: t, input: "{{ why }}"}
"""


def test_the_visits_of_the_steps_are_withdrawn_with_what_is_in_them_the_latest_first_and_it_goes_on() -> None:
    story = given(CANCEL.replace("[a, b, d], next", "[a, b], next")).started().when(complete("go"))
    story.then(
        event(e.TaskCompleted, step="go"),
        event(e.StepPassed, step="stop", taken=("stop->z",)),
        event(e.StepCancelled, step="q"),
        event(e.StepCancelled, step="p"),
        event(e.StepCancelled, step="b"),
        event(e.StepCancelled, step="a", attempt=1),
        event(e.TaskScheduled, step="z"),
    )
    assert story.open_tasks() == ["d", "z"]


def test_late_results_of_what_was_withdrawn_are_refused() -> None:
    story = given(CANCEL).started()
    late = [complete(step)(story.state) for step in ("a", "p", "q", "d")]
    story.when(complete("go"))
    for command in late:
        story.when(command).then_rejected(RejectionCode.TASK_NOT_OPEN)
    assert story.when(complete("z")).status == "completed"


def test_every_visit_of_a_step_is_withdrawn_and_one_between_two_attempts_too() -> None:
    text = """
    start: [f, go]
    steps: {f: {threads: 3, next: a}, a: {task: t}, go: {task: t, next: stop}, stop: {cancel: a}}
    """
    story = given(text).started().when(fail("a")).when(complete("go"))
    assert [event.step for event in story.events if isinstance(event, e.StepCancelled)] == ["a", "a", "a"]
    assert story.status == "completed"
    assert story.passes(60).rejected is None


def test_where_nothing_is_open_nothing_is_withdrawn() -> None:
    story = given(CANCEL).started()
    for step in ("a", "p", "q", "d"):
        story.when(complete(step))
    story.when(complete("go")).then(
        event(e.TaskCompleted), event(e.StepPassed, step="stop"), event(e.TaskScheduled, step="z")
    )
    assert story.open_tasks() == ["x", "x", "z"]


def test_tokens_that_wait_to_enter_the_steps_are_withdrawn() -> None:
    text = """
    start: [a, b, go]
    steps:
      a: {task: t, next: j}
      b: {task: t, next: j}
      j: {task: t, join: all}
      go: {task: t, next: stop}
      stop: {cancel: [b, j]}
    """
    story = given(text).started().when(complete("a")).when(complete("go"))
    assert any(isinstance(event, e.TokensWithdrawn) and event.consumed == ("a->j",) for event in story.events)
    assert story.status == "completed"


def test_the_token_that_the_step_itself_puts_down_is_not_withdrawn() -> None:
    text = "start: [b, go]\nsteps: {b: {task: t}, go: {task: t, next: stop}, stop: {cancel: b, next: b}}"
    story = given(text).started().when(complete("go"))
    story.then(
        event(e.TaskCompleted), event(e.StepPassed), event(e.StepCancelled, step="b"), event(e.TaskScheduled, step="b")
    )


def test_other_scopes_are_left_alone() -> None:
    text = """
    steps:
      all:
        each: 2
        do: {f: {parallel: [a, go]}, a: {task: t}, go: {task: t, next: stop}, stop: {cancel: a}}
    """
    story = given(text).started().when(complete("go"))
    assert story.open_tasks() == ["a", "go"]


def test_a_join_does_not_wait_for_what_was_withdrawn_where_it_asks_what_is_taken() -> None:
    text = """
    start: [a, b, go]
    steps:
      a: {task: t, next: j}
      b: {task: t, next: j}
      go: {task: t, next: stop}
      stop: {cancel: b}
      j: {task: t, join: taken}
    """
    story = given(text).started().when(complete("a"))
    assert story.open_tasks() == ["b", "go"]
    assert story.when(complete("go")).open_tasks() == ["j"]


def test_a_cancelled_step_fails_with_a_code_that_a_catch_may_take() -> None:
    story = given(COPIES).started().when(complete("ask")).when(complete("tell"))
    story.when(c.CancelStep(step="all", reason="no money"))
    withdrawn = [event.step for event in story.events if isinstance(event, e.StepCancelled)]
    assert withdrawn.count("ask") == 4
    assert withdrawn.count("all") == 4  # the copies
    assert story.open_tasks() == ["off"]
    assert story.events[-1].input == "no money"  # type: ignore[union-attr]


def test_a_cancelled_step_that_nobody_catches_parks_the_execution_and_can_be_retried() -> None:
    story = given(CANCEL).started().when(c.CancelStep(step="d", by="ann"))
    story.then(event(e.StepFailed, step="d", attempt=1, by="ann"), event(e.ExecutionFailed, step="d"))
    assert story.events[0].failure.code == ErrorCode.STEP_CANCELLED  # type: ignore[union-attr]
    assert story.when(c.RetryExecution()).open_tasks() == ["a", "d", "go", "p", "q"]


def test_a_cancelled_task_that_is_retried_has_a_new_id_so_that_late_results_of_the_old_one_are_refused() -> None:
    story = given("steps: {a: {task: t}}").started()
    late = complete("a")(story.state)
    story.when(c.CancelStep(step="a")).when(c.RetryExecution())
    story.then(event(e.ExecutionRetried), event(e.TaskScheduled, step="a", visit=1, attempt=2))
    story.when(late).then_rejected(RejectionCode.ATTEMPT_SUPERSEDED)
    assert story.when(complete("a")).status == "completed"


def test_one_visit_of_several_can_be_cancelled() -> None:
    text = "steps: {f: {threads: 2, next: a}, a: {task: t, catch: [{error: any, next: z}]}, z: {task: t}}"
    story = given(text).started()
    visits = sorted(story.state.visits)  # type: ignore[union-attr]
    story.when(c.CancelStep(step="a", visit=visits[1]))
    assert story.open_tasks() == ["a", "z"]
    story.when(c.CancelStep(step="a", visit=visits[1])).then_rejected(RejectionCode.STEP_NOT_OPEN)
    story.when(c.CancelStep(step="a", visit=99)).then_rejected(RejectionCode.STEP_NOT_OPEN, "99")


@pytest.mark.parametrize("command", [c.CancelStep, c.CompleteStep, c.SkipStep])
def test_a_step_that_is_not_open_or_unknown_is_refused(command: type) -> None:
    story = given(CANCEL).started().when(command(step="z")).then_rejected(RejectionCode.STEP_NOT_OPEN, "'z'")
    story.when(command(step="nowhere")).then_rejected(RejectionCode.STEP_UNKNOWN, "'nowhere'")


def test_a_completed_for_each_goes_on_with_the_results_there_are() -> None:
    story = given(COPIES).started()
    for vote in ("yes", "no"):
        story.when(complete("ask", vote)).when(complete("tell"))
    story.when(c.CompleteStep(step="all", by="ann"))
    assert [event.step for event in story.events if isinstance(event, e.StepCancelled)].count("ask") == 3
    assert any(isinstance(event, e.EachCompleted) and event.by == "ann" for event in story.events)
    assert story.events[-1].input == ["yes", "no", None, None, None]  # type: ignore[union-attr]
    assert story.open_tasks() == ["on"]


def test_a_completed_task_is_done_with_the_output_that_was_given() -> None:
    text = "steps: {a: {task: t, output: {x: '{{ output.x }}'}, next: z}, z: {task: t, input: '{{ x }}'}}"
    story = given(text).started()
    late = complete("a", {"x": 1})(story.state)
    story.when(c.CompleteStep(step="a", output={"x": 7}, by="ann")).then(
        event(e.TaskCompleted, step="a", by="ann", set={"x": 7}), event(e.TaskScheduled, step="z", input=7)
    )
    story.when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_a_failed_step_that_is_completed_or_skipped_lets_the_execution_go_on() -> None:
    for command in (c.CompleteStep(step="a"), c.SkipStep(step="a")):
        story = given(CANCEL).started().when(fail("a", retryable=False))
        assert story.status == "failed"
        assert "x" in story.when(command).open_tasks()
        assert story.status == "running"


def test_a_skipped_step_leaves_without_an_output_by_its_ordinary_way() -> None:
    story = given(CANCEL).started().when(c.SkipStep(step="b", reason="not today"))
    assert story.open_tasks() == ["a", "d", "go", "x"]
    skipped = next(event for event in story.events if isinstance(event, e.StepSkipped))
    assert (skipped.step, skipped.reason, skipped.taken) == ("b", "not today", ("b->x",))
    assert isinstance(story.state, Execution)
    assert "b" not in story.state.results


@pytest.mark.parametrize("command", [c.SkipStep(step="all"), c.CompleteStep(step="all")])
def test_a_for_each_that_was_left_already_is_ended_by_hand_without_another_token(command: c.ExecutionCommand) -> None:
    text = "steps: {all: {each: 3, enough: 1, do: {ask: {task: t}}, next: on}, on: {task: t}}"
    story = given(text).started().when(complete("ask"))
    assert story.open_tasks() == ["ask", "ask", "on"]
    assert story.when(command).open_tasks() == ["on"]


def test_what_is_cancelled_while_the_execution_is_failed_is_caught_when_it_goes_on() -> None:
    text = """
    start: [a, b]
    steps:
      a: {task: t, retry: {attempts: 1}}
      b: {task: t, catch: [{error: STEP_CANCELLED, next: z}]}
      z: {task: t}
    """
    story = given(text).started().when(fail("a")).when(c.CancelStep(step="b"))
    assert (story.status, story.open_tasks()) == ("failed", [])
    assert story.when(c.RetryExecution()).open_tasks() == ["a", "z"]


def test_what_completes_while_the_execution_is_failed_is_recorded_and_its_token_moves_when_it_goes_on() -> None:
    story = given(CANCEL).started().when(fail("a", retryable=False))
    story.when(complete("go")).then(event(e.TaskCompleted, taken=("go->stop",)))
    story.when(c.SkipStep(step="a"))
    assert story.open_tasks() == ["x", "z"]


def test_a_step_cancelled_while_paused_is_caught_on_resuming() -> None:
    story = given(COPIES).started().when(c.PauseExecution()).when(c.CancelStep(step="all"))
    assert (story.status, story.open_tasks()) == ("paused", [])
    assert story.when(c.ResumeExecution()).open_tasks() == ["off"]


def test_cancelling_withdraws_everything_the_latest_first_and_nothing_follows() -> None:
    story = given(CANCEL).started().when(c.CancelExecution(reason="enough", by="ann"))
    assert [event.step for event in story.events[:-1]] == ["q", "p", "go", "d", "b", "a"]  # type: ignore[union-attr]
    ended = story.events[-1]
    assert isinstance(ended, e.ExecutionCancelled)
    assert (ended.reason, ended.by) == ("enough", "ann")
    for command in (c.CancelExecution(), c.CancelStep(step="a"), c.RetryExecution()):
        story.when(command).then_rejected(RejectionCode.EXECUTION_ENDED)
    story.passes(3600).then_nothing()
