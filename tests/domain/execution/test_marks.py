from __future__ import annotations

from typing import get_args

from penstock.domain.definition.picture import Marks, picture_of
from penstock.domain.execution import commands as c
from penstock.domain.execution.events import ExecutionEvent
from penstock.domain.execution.marks import _STATES, marks_of
from tests.domain.execution.story import Story, claim, complete, fail, given


def marks(story: Story) -> Marks:
    return marks_of(event for event, _ in story.history)


def states(story: Story) -> dict[str, str]:
    return {step: mark.state for step, mark in marks(story).steps.items()}


def ways(story: Story) -> dict[str, int]:
    """How often each arrow was taken, those not taken left out."""
    edges = picture_of(story.definition.graph, marks(story)).edges
    return {edge.id: edge.taken for edge in edges if edge.taken}


TWO = "steps: {a: {task: a, next: b}, b: {task: b}}"
FORK = """
steps:
  fork: {parallel: [a, b]}
  a: {task: a, next: both}
  b: {task: b, next: both}
  both: {pass: true, join: all}
"""


def test_nothing_has_happened_before_the_first_event() -> None:
    assert marks_of(()) == Marks()


def test_a_scheduled_task_is_open_and_a_completed_one_is_done() -> None:
    story = given(TWO).started()
    assert states(story) == {"a": "open"}
    story.when(claim("a"))
    assert states(story) == {"a": "open"}
    story.when(complete("a", token="t1"))
    assert states(story) == {"a": "done", "b": "open"}
    assert ways(story) == {"->a": 1, "a->b": 1}
    story.when(complete("b"))
    assert states(story) == {"a": "done", "b": "done"}
    assert marks(story).status == "completed"
    assert ways(story) == {"->a": 1, "a->b": 1, "b->": 1}


def test_a_timer_waits_until_it_fires() -> None:
    story = given("steps: {rest: {wait: 5m, next: a}, a: {task: a}}").started()
    assert states(story) == {"rest": "waiting"}
    assert states(story.passes(300)) == {"rest": "done", "a": "open"}


def test_a_task_between_two_attempts_waits_and_is_one_visit() -> None:
    story = given("steps: {a: {task: a, retry: {attempts: 2, backoff: 1s}}}").started().when(fail("a"))
    assert states(story) == {"a": "waiting"}
    story.passes(1)
    assert states(story) == {"a": "open"}
    assert marks(story).steps["a"].visits == 1


def test_a_task_without_attempts_left_failed_until_it_is_retried() -> None:
    story = given("steps: {a: {task: a, retry: {attempts: 1}}}").started().when(fail("a"))
    assert states(story) == {"a": "failed"}
    assert marks(story).status == "failed"
    story.when(c.RetryExecution())
    assert states(story) == {"a": "open"}
    story.when(complete("a"))
    assert states(story) == {"a": "done"}
    assert marks(story).steps["a"].visits == 1


def test_a_failed_step_stays_failed_when_the_execution_is_terminated() -> None:
    story = given("steps: {a: {task: a, retry: {attempts: 1}}}").started().when(fail("a"))
    story.when(c.TerminateExecution())
    assert states(story) == {"a": "failed"}
    assert marks(story).status == "terminated"


def test_what_is_open_when_the_execution_is_cancelled_is_cancelled() -> None:
    story = given(TWO).started().when(complete("a")).when(c.CancelExecution())
    assert states(story) == {"a": "done", "b": "cancelled"}


def test_every_round_of_a_loop_is_a_visit() -> None:
    story = given("""
    variables: {round: 0}
    steps:
      count: {set: {round: "{{ round + 1 }}"}, next: work}
      work:
        task: work
        next: [{when: round < 3, next: count}, {otherwise: end}]
    """).started()
    for _ in range(3):
        story.when(complete("work"))
    assert {step: mark.visits for step, mark in marks(story).steps.items()} == {"count": 3, "work": 3}
    assert ways(story) == {"->count": 1, "count->work": 3, "work->count": 2, "work->": 1}


def test_a_join_that_has_not_got_all_its_tokens_waits() -> None:
    story = given(FORK).started().when(complete("a"))
    nodes = picture_of(story.definition.graph, marks(story)).nodes
    shown = {node.step: node.state for node in nodes if node.step}
    assert shown == {"fork": "done", "a": "done", "b": "open", "both": "waiting"}
    story.when(complete("b"))
    assert marks(story).lying == {}
    assert states(story)["both"] == "done"


def test_nothing_waits_for_tokens_of_an_execution_that_was_cancelled() -> None:
    story = given(FORK).started().when(complete("a")).when(c.CancelExecution())
    assert marks(story).lying == {}


def test_of_several_ways_to_the_end_the_one_whose_condition_held_was_taken() -> None:
    story = given("""
    input: {properties: {n: {type: integer}}}
    steps:
      which:
        choose:
          - {when: n > 10, next: end}
          - {when: n > 5, next: end}
          - otherwise: end
    """)
    story.started(n=7)
    assert ways(story) == {"->which": 1, "which->#2": 1}


def test_a_step_that_cannot_be_entered_failed() -> None:
    story = given("""
    variables: {n: 1}
    steps:
      which: {choose: [{when: n > 10, next: end}]}
    """).started()
    assert states(story) == {"which": "failed"}


def test_an_execution_that_was_paused_and_resumed_keeps_its_marks() -> None:
    story = given(TWO).started()
    before = states(story)
    story.when(c.PauseExecution())
    assert (marks(story).status, states(story)) == ("paused", before)
    story.when(c.ResumeExecution())
    assert (marks(story).status, states(story)) == ("running", before)


def test_every_kind_of_event_leads_to_marks() -> None:
    assert set(_STATES) == set(get_args(ExecutionEvent))
