"""Rules of locks (docs/semantics.md, 11), and of bodies in which one step is open at a time (6)."""

import random

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.deliveries import grant
from tests.domain.execution.story import Story, complete, event, fail, given

DESK = """
start: [a, b, c]
steps:
  a: {task: t, lock: desk, retry: {attempts: 2}, next: z}
  b: {task: t, lock: desk}
  c: {task: t, lock: desk}
  z: {task: t}
"""
SHARED = "steps: {a: {task: t, lock: {name: desk, shared: true}, next: z}, z: {task: t}}"
BODY = """
steps:
  body:
    one_at_a_time: true
    start: [a, c]
    do:
      a: {task: t, next: b}
      b: {task: t}
      c: {task: t, next: d}
      d: {task: t}
    next: z
  z: {task: t}
"""


def test_who_finds_the_lock_taken_waits_in_the_step_and_gets_it_first_come_first_served() -> None:
    story = given(DESK).started()
    story.then(
        event(e.ExecutionStarted),
        event(e.LockRequested, step="a", lock="desk"),
        event(e.LockRequested, step="b"),
        event(e.LockRequested, step="c"),
        event(e.LockGranted, step="a"),
        event(e.TaskScheduled, step="a", visit=1),
    )
    story.when(complete("a")).then(
        event(e.TaskCompleted, step="a"),
        event(e.TaskScheduled, step="z"),
        event(e.LockFreed, visit=1),
        event(e.LockGranted, step="b", visit=2),
        event(e.TaskScheduled, step="b", visit=2),
    )
    assert story.when(complete("b")).open_tasks() == ["c", "z"]


def test_other_locks_do_not_exclude_one_another() -> None:
    text = "start: [a, b, c]\nsteps: {a: {task: t, lock: x}, b: {task: t, lock: y}, c: {task: t}}"
    assert given(text).started().open_tasks() == ["a", "b", "c"]


def test_a_lock_on_a_block_covers_its_body_round_after_round() -> None:
    text = """
    start: [a, b]
    steps:
      a: {lock: desk, until: "steps.x == 2", do: {x: {task: t, next: y}, y: {task: t}}}
      b: {task: t, lock: desk}
    """
    story = given(text).started()
    for output in (1, 2):
        for step in ("x", "y"):
            assert story.open_tasks() == [step]
            story.when(complete(step, output))
    assert story.open_tasks() == ["b"]


def test_a_step_that_waits_for_its_next_attempt_keeps_its_lock() -> None:
    story = given(DESK).started().when(fail("a"))
    assert story.open_tasks() == []
    assert story.passes(1).open_tasks() == ["a"]


def test_a_failed_step_keeps_its_lock_until_it_is_retried() -> None:
    story = given(DESK).started().when(fail("a", retryable=False))
    story.then(event(e.TaskFailed, step="a"), event(e.ExecutionFailed, step="a"))
    assert story.when(c.RetryExecution()).open_tasks() == ["a"]
    assert story.when(complete("a")).open_tasks() == ["b", "z"]


def test_a_failed_step_that_is_skipped_gives_its_lock_back() -> None:
    story = given(DESK).started().when(fail("a", retryable=False)).when(c.SkipStep(step="a"))
    assert story.open_tasks() == ["b", "z"]


@pytest.mark.parametrize("command", [c.SkipStep(step="a"), c.CompleteStep(step="a")])
def test_a_step_that_is_left_by_hand_gives_its_lock_back(command: c.ExecutionCommand) -> None:
    assert given(DESK).started().when(command).open_tasks() == ["b", "z"]


def test_a_step_that_is_withdrawn_gives_its_lock_back() -> None:
    text = """
    start: [a, b]
    steps:
      a: {task: t, lock: desk, catch: [{after: 5s, next: end}]}
      b: {task: t, lock: desk}
    """
    assert given(text).started().passes(5).open_tasks() == ["b"]


def test_who_is_withdrawn_while_it_waits_for_the_lock_never_gets_it() -> None:
    story = given(DESK).started().when(c.SkipStep(step="b")).when(complete("a"))
    assert story.open_tasks() == ["c", "z"]
    assert isinstance(story.state, Execution)
    assert [held.lock for held in story.state.locks.values()] == ["desk"]


def test_who_was_cancelled_while_it_waited_for_the_lock_waits_again_when_it_is_retried() -> None:
    story = given(DESK).started().when(c.CancelStep(step="b"))
    assert story.status == "failed"
    assert story.when(c.RetryExecution()).open_tasks() == ["a"]
    order = []
    for _ in range(3):
        (step,) = {*story.open_tasks()} - {"z"}  # one at a time
        story.when(complete(step))
        order.append(step)
    assert sorted(order) == ["a", "b", "c"]


def test_who_was_cancelled_while_it_waited_for_a_shared_lock_asks_for_it_again_when_it_is_retried() -> None:
    story = given(SHARED).started().when(c.CancelStep(step="a"))
    story.when(grant("a", "desk")).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story.when(c.RetryExecution())
    assert story.open_tasks() == []
    (asked,) = [event for event in story.events if isinstance(event, e.LockRequested)]
    # what is granted to the first request, on its way when that was given up, must not count for the second one
    story.when(grant("a", "desk", 2)).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    assert asked.request is not None
    assert story.when(c.GrantLock(visit=asked.request, lock="desk", fence=3)).open_tasks() == ["a"]
    story.when(complete("a"))
    assert [freed.request for freed in story.events if isinstance(freed, e.LockFreed)] == [asked.request]


def test_a_cancelled_execution_gives_all_locks_back() -> None:
    story = given(DESK).started().when(c.CancelExecution())
    assert [event.visit for event in story.events if isinstance(event, e.LockFreed)] == [1, 2, 3]


def test_while_paused_a_lock_that_is_given_back_lets_nobody_in() -> None:
    story = given(DESK).started().when(c.PauseExecution()).when(complete("a"))
    assert story.open_tasks() == []
    assert not any(isinstance(event, e.LockGranted) for event in story.events)
    assert story.when(c.ResumeExecution()).open_tasks() == ["b", "z"]


def test_locks_that_wait_for_one_another_fail_by_name() -> None:
    story = given("steps: {a: {lock: x, do: {b: {task: t, lock: x}}}}").started()
    assert story.status == "failed"
    assert story.events[-1].failure.code == ErrorCode.LOCK_UNREACHABLE  # type: ignore[union-attr]


def test_a_loop_that_is_drawn_asks_for_the_lock_again_behind_the_others() -> None:
    text = """
    start: [a, b]
    steps:
      a: {task: t, lock: desk, next: [{when: "steps.a == 1", next: a}, {otherwise: end}]}
      b: {task: t, lock: desk}
    """
    story = given(text).started().when(complete("a", 1))
    assert story.open_tasks() == ["b"]
    assert story.when(complete("b")).open_tasks() == ["a"]


def test_a_shared_lock_is_asked_for_and_waited_for() -> None:
    story = given(SHARED).started()
    story.then(event(e.ExecutionStarted), event(e.LockRequested, step="a", shared=True, status="waiting"))
    story.when(grant("a", "desk", 7)).then(
        event(e.LockGranted, step="a", fence=7), event(e.TaskScheduled, step="a", status="running")
    )
    story.when(grant("a", "desk", 7)).then_nothing()
    story.when(complete("a")).then(
        event(e.TaskCompleted), event(e.TaskScheduled, step="z"), event(e.LockFreed, lock="desk", shared=True)
    )


def test_a_shared_lock_that_nobody_waits_for_any_more_is_refused_so_that_it_goes_back() -> None:
    story = given(SHARED).started()
    late = grant("a", "desk")(story.state)
    story.when(c.SkipStep(step="a")).when(late).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story = given(SHARED).started().when(grant("a", "other")).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story.when(c.CancelExecution())
    assert any(isinstance(event, e.LockFreed) and event.shared for event in story.events)
    story.when(late).then_rejected(RejectionCode.EXECUTION_ENDED)


def test_a_shared_lock_that_comes_while_paused_lets_the_step_begin_on_resuming() -> None:
    story = given(SHARED).started().when(c.PauseExecution())
    story.when(grant("a", "desk")).then(event(e.LockGranted))
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.TaskScheduled, step="a"))


@pytest.mark.parametrize("seed", range(50))
def test_of_a_body_with_one_at_a_time_one_step_is_open_whatever_happens(seed: int) -> None:
    chance = random.Random(seed)
    story = given(BODY).started()
    order: list[str] = []
    while story.open_tasks() != ["z"]:
        (step,) = story.open_tasks() or [""]
        match chance.choice(("fail", "pause", "go on", "complete", "complete")):
            case "fail" if step:
                story.when(fail(step))
            case "pause" if story.status == "running":
                story.when(c.PauseExecution())
            case "go on":
                story.when(c.RetryExecution() if story.status == "failed" else c.ResumeExecution()).passes(60)
            case "complete" if step:
                story.when(complete(step))
                order.append(step)
            case _:
                pass
        assert len(story.open_tasks()) <= 1
    assert sorted(order) == ["a", "b", "c", "d"]
    assert order.index("a") < order.index("b")
    assert order.index("c") < order.index("d")


def test_steps_of_a_body_with_one_at_a_time_are_entered_in_the_order_in_which_they_were_reached() -> None:
    assert _order(given(BODY).started()) == ["a", "c", "b", "d", "z"]
    assert _order(given(BODY.replace("[a, c]", "[c, a]")).started()) == ["c", "a", "d", "b", "z"]


def test_waits_and_blocks_of_a_body_with_one_at_a_time_are_open_alone_too() -> None:
    text = """
    steps:
      body:
        one_at_a_time: true
        start: [a, b, c]
        do:
          a: {wait: 10s}
          b: {start: [x, y], do: {x: {task: t}, y: {task: t}}}
          c: {task: t}
    """
    story = given(text).started()
    assert story.open_tasks() == []
    assert story.passes(10).open_tasks() == ["x", "y"]
    assert story.when(complete("x")).open_tasks() == ["y"]
    assert story.when(complete("y")).open_tasks() == ["c"]
    assert story.when(complete("c")).status == "completed"


def test_bodies_with_one_at_a_time_do_not_wait_for_one_another() -> None:
    text = "steps: {all: {each: 3, do: {one: {one_at_a_time: true, start: [a, b], do: {a: {task: t}, b: {task: t}}}}}}"
    assert given(text).started().open_tasks() == ["a", "a", "a"]


def _order(story: Story) -> list[str]:
    order: list[str] = []
    while story.status == "running":
        (step,) = story.open_tasks()
        story.when(complete(step))
        order.append(step)
    return order
