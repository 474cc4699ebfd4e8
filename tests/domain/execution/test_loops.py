"""Rules of bodies: blocks and loops (docs/semantics.md, 6)."""

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.story import Story, claim, complete, event, fail, given

WHILE = """
variables: {n: 0}
steps:
  again:
    while: n < limit
    do:
      work: {task: t, retry: {attempts: 2}, next: plus}
      plus: {set: {n: "{{ n + 1 }}"}}
    next: done
  done: {task: t, input: "{{ n }}"}
"""
UNTIL = WHILE.replace("while: n < limit", "until: n >= limit")


def rounds(story: Story, step: str = "work") -> int:
    """How often the step can be completed before the loop is left."""
    count = 0
    while step in story.open_tasks():
        story.when(complete(step))
        count += 1
    return count


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3)])
def test_while_asks_before_each_round(limit: int, expected: int) -> None:
    story = given(WHILE).started(limit=limit)
    assert rounds(story) == expected
    assert story.open_tasks() == ["done"]


@pytest.mark.parametrize(("limit", "expected"), [(0, 1), (1, 1), (3, 3)])
def test_until_asks_after_each_round(limit: int, expected: int) -> None:
    story = given(UNTIL).started(limit=limit)
    assert rounds(story) == expected
    assert story.open_tasks() == ["done"]


def test_a_loop_that_is_never_entered_is_passed_with_its_condition_recorded() -> None:
    story = given(WHILE).started(limit=0)
    story.then(event(e.ExecutionStarted), event(e.StepPassed, step="again"), event(e.TaskScheduled, step="done"))
    (asked,) = story.events[1].evaluations  # type: ignore[union-attr]
    assert (asked.expression, asked.result, asked.seen) == ("n < limit", False, {"n": 0, "limit": 0})


def test_each_round_is_an_event_with_the_condition_that_let_it_begin() -> None:
    story = given(WHILE).started(limit=2)
    story.then(event(e.ExecutionStarted), event(e.BlockStarted, visit=1, round=1), event(e.TaskScheduled, visit=2))
    story.when(complete("work")).then(
        event(e.TaskCompleted),
        event(e.StepPassed, step="plus", visit=3),
        event(e.BlockStarted, visit=1, round=2),
        event(e.TaskScheduled, visit=4),
    )
    assert [(asked.result, asked.seen["n"]) for asked in story.events[2].evaluations] == [(True, 1)]  # type: ignore[union-attr]
    story.when(complete("work")).then(
        event(e.TaskCompleted),
        event(e.StepPassed),
        event(e.BlockCompleted, visit=1),
        event(e.TaskScheduled, step="done"),
    )
    assert story.events[2].evaluations[0].result is False  # type: ignore[union-attr]


def test_more_rounds_than_at_most_fail_by_name() -> None:
    for loop in (WHILE, UNTIL):
        story = given(loop.replace("    do:", "    at_most: 3\n    do:")).started(limit=5)
        assert rounds(story) == 3
        failed = story.events[-2]
        assert isinstance(failed, e.StepFailed)
        assert (failed.step, failed.failure.code) == ("again", ErrorCode.LOOP_LIMIT)
        assert story.status == "failed"
        story = given(loop.replace("    do:", "    at_most: 3\n    do:")).started(limit=3)
        assert rounds(story) == 3
        assert story.open_tasks() == ["done"]


def test_a_limit_can_be_caught() -> None:
    text = WHILE.replace("    do:", "    at_most: 1\n    catch: [{error: LOOP_LIMIT, next: done}]\n    do:")
    story = given(text).started(limit=5)
    assert rounds(story) == 1
    assert story.open_tasks() == ["done"]


def test_a_condition_that_cannot_be_asked_fails_the_loop() -> None:
    story = given(WHILE).started()
    assert story.status == "failed"
    assert story.events[1].failure.code == ErrorCode.EXPRESSION_FAILED  # type: ignore[union-attr]


def test_a_block_is_left_when_nothing_is_left_in_it() -> None:
    text = "steps: {b: {start: [x, y], do: {x: {task: t, next: w}, w: {task: t}, y: {task: t}}, next: z}, z: {task: t}}"
    story = given(text).started()
    for step in ("y", "x"):
        story.when(complete(step))
    assert story.open_tasks() == ["w"]
    story.when(complete("w")).then(
        event(e.TaskCompleted), event(e.BlockCompleted, step="b"), event(e.TaskScheduled, step="z")
    )


def test_a_body_begins_with_its_first_step_or_with_those_named() -> None:
    text = "steps: {b: {do: {x: {task: t, next: y}, y: {task: t}}}}"
    assert given(text).started().open_tasks() == ["x"]
    text = "steps: {b: {start: y, do: {x: {task: t}, y: {task: t, next: x}}}}"
    assert given(text).started().open_tasks() == ["y"]


def test_a_join_in_a_body_counts_the_tokens_of_its_own_round_only() -> None:
    text = """
    steps:
      all: {each: 2, do: {f: {parallel: [x, y]}, x: {task: t, next: j}, y: {task: t, next: j}, j: {task: t, join: all}}}
    """
    story = given(text).started().when(complete("x"))
    first_y = [n for n, visit in story.state.visits.items() if visit.step == "y"]  # type: ignore[union-attr]
    story.when(c.CompleteTask(visit=first_y[1], attempt=1))  # of the other copy
    assert "j" not in story.open_tasks()
    story.when(c.CompleteTask(visit=first_y[0], attempt=1))
    assert story.open_tasks().count("j") == 1


def test_local_variables_begin_anew_with_each_round_and_end_with_the_block() -> None:
    text = """
    variables: {total: 0}
    steps:
      again:
        until: total >= 2
        variables: {mine: "{{ total * 10 }}"}
        do:
          x: {set: {mine: "{{ mine + 1 }}", total: "{{ total + 1 }}"}, next: y}
          y: {task: t, input: "{{ mine }}"}
        next: z
      z: {task: t}
    """
    story = given(text).started()
    assert story.events[-1].input == 1  # type: ignore[union-attr]
    assert story.when(complete("y")).events[-1].input == 11  # type: ignore[union-attr]
    story.when(complete("y"))
    assert isinstance(story.state, Execution)
    assert story.state.variables == {"total": 2}


def test_until_sees_what_the_round_has_left_in_the_variables_of_the_body() -> None:
    text = """
    steps:
      again: {until: mine == 1, variables: {mine: 0}, do: {x: {task: t, output: {mine: "{{ output }}"}}}}
    """
    story = given(text).started().when(complete("x", 0))
    assert story.open_tasks() == ["x"]
    assert story.when(complete("x", 1)).status == "completed"


def test_while_does_not_see_the_local_variables_of_its_body() -> None:
    text = """
    variables: {mine: 0}
    steps:
      again:
        while: mine == 0
        at_most: 2
        variables: {mine: 5}
        do: {x: {task: t, output: {mine: "{{ output }}"}}}
    """
    story = given(text).started()
    assert rounds(story, "x") == 2  # it is the variable of the execution that is asked about
    assert story.status == "failed"


def test_a_set_changes_the_nearest_variable_of_its_name() -> None:
    text = """
    variables: {v: outer}
    steps:
      a:
        variables: {v: middle}
        do:
          b: {variables: {w: 1}, do: {x: {set: {v: changed, fresh: 1}}}, next: y}
          y: {task: t, input: "{{ v }}"}
        next: z
      z: {task: t, input: "{{ v }}{{ fresh }}"}
    """
    story = given(text).started()
    assert story.events[-1].input == "changed"  # type: ignore[union-attr]
    assert story.when(complete("y")).events[-1].input == "outer1"  # type: ignore[union-attr]


def test_a_step_that_fails_in_a_loop_is_tried_again_in_its_round() -> None:
    story = given(WHILE).started(limit=2).when(complete("work")).when(fail("work")).passes(1)
    story.then(event(e.TaskScheduled, step="work", visit=4, attempt=2))
    story.when(fail("work", retryable=False))
    assert story.status == "failed"
    assert rounds(story.when(c.RetryExecution())) == 1
    assert story.events[-1].input == 2  # type: ignore[union-attr]


def test_a_loop_that_failed_as_a_whole_begins_again_when_it_is_retried() -> None:
    story = given(WHILE.replace("    do:", "    timeout: 10s\n    do:")).started(limit=2).when(complete("work"))
    assert story.passes(10).status == "failed"
    story.when(c.RetryExecution()).then(
        event(e.ExecutionRetried),
        event(e.BlockStarted, visit=1, round=1),
        event(e.WaitsOpened),
        event(e.TaskScheduled, step="work"),
    )
    assert rounds(story) == 1  # n is a variable of the execution, and has been 1 since


def test_while_paused_no_round_begins() -> None:
    story = given(WHILE).started(limit=2).when(c.PauseExecution())
    story.when(complete("work")).then(event(e.TaskCompleted))
    story.when(c.ResumeExecution()).then(
        event(e.ExecutionResumed),
        event(e.StepPassed, step="plus"),
        event(e.BlockStarted, round=2),
        event(e.TaskScheduled, step="work"),
    )


def test_a_block_whose_last_step_ends_while_paused_is_left_on_resuming() -> None:
    story = given("steps: {b: {do: {x: {task: t}}, next: z}, z: {task: t}}").started().when(c.PauseExecution())
    story.when(complete("x")).then(event(e.TaskCompleted))
    story.when(c.ResumeExecution()).then(
        event(e.ExecutionResumed), event(e.BlockCompleted, step="b"), event(e.TaskScheduled, step="z")
    )


def test_cancelling_withdraws_the_body_before_its_block() -> None:
    story = given("steps: {a: {do: {b: {start: [x, y], do: {x: {task: t}, y: {task: t}}}}}}").started()
    story.when(c.CancelExecution())
    assert [event.step for event in story.events[:-1]] == ["y", "x", "b", "a"]  # type: ignore[union-attr]


def test_a_late_result_of_a_round_that_is_over_is_refused() -> None:
    story = given(WHILE).started(limit=2)
    late = complete("work")(story.state)
    story.when(late).when(late).then_rejected(RejectionCode.TASK_NOT_OPEN)
    assert story.open_tasks() == ["work"]
    story.when(claim("work")).when(claim("work")).then_nothing()


def test_a_loop_that_is_left_by_hand_takes_its_ordinary_way_out() -> None:
    for command in (c.CompleteStep(step="again"), c.SkipStep(step="again")):
        story = given(WHILE).started(limit=5).when(complete("work")).when(command)
        assert story.open_tasks() == ["done"]
        assert story.events[-1].input == 1  # type: ignore[union-attr]


def test_a_loop_of_nothing_but_automatic_steps_is_stopped_by_name() -> None:
    story = given("variables: {n: 0}\nsteps: {a: {while: n >= 0, at_most: 1000000, do: {x: {set: {n: 1}}}}}").started()
    for _ in range(20):
        if story.status == "failed":
            break
        story.passes(0)
    assert story.status == "failed"
    assert story.events[-1].failure.code == ErrorCode.LOOP_LIMIT  # type: ignore[union-attr]


def test_max_visits_bounds_all_cycles() -> None:
    story = given("max_visits: 4\n" + WHILE).started(limit=100)
    assert rounds(story) == 2
    assert story.status == "failed"
    assert any(isinstance(event, e.StepFailed) and event.failure.code == "LOOP_LIMIT" for event in story.events)
