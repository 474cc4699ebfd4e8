"""Rules of failures, boundaries and time-outs (docs/semantics.md, 8)."""

from datetime import timedelta

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from penstock.domain.rejected import RejectionCode
from tests.domain.execution.deliveries import caught_message, signal
from tests.domain.execution.story import Story, claim, complete, event, fail, given

CATCH = """
steps:
  pay:
    task: t
    retry: {attempts: 1}
    catch:
      - {error: [EXPIRED, LOST], set: {why: "{{ error.code }}"}, next: ask}
      - {after: 10m, cancel: false, next: remind}
      - {message: m, key: k, set: {why: "{{ output.why }}"}, next: end}
    next: done
  ask: {task: t, input: "{{ why }}"}
  remind: {task: t}
  done: {task: t}
"""
NESTED = """
steps:
  outer:
    do:
      inner:
        start: [x, y]
        do:
          x: {task: t, retry: {attempts: 1}}
          y: {task: t}
        catch: [{error: INNER, next: mend}]
      mend: {task: t}
    catch: [{error: any, next: give_up}]
  give_up: {task: t}
"""


def test_a_failure_takes_the_fitting_catch_whose_set_sees_the_error() -> None:
    given(CATCH).started().when(fail("pay", "LOST")).then(
        event(e.TaskFailed, step="pay", retry_at=None),
        event(e.BoundaryTriggered, step="pay", cause="LOST", set={"why": "LOST"}, taken=("pay->ask",)),
        event(e.TaskScheduled, step="ask", input="LOST"),
        event(e.WaitsClosed),
    )


def test_a_failure_is_caught_only_when_the_retries_are_spent() -> None:
    story = given(CATCH.replace("attempts: 1", "attempts: 2")).started()
    story.when(fail("pay", "LOST")).then(event(e.TaskFailed, step="pay"))
    story.passes(1).then(event(e.TaskScheduled, step="pay", attempt=2))
    assert story.when(fail("pay", "LOST")).open_tasks() == ["ask"]


def test_a_failure_that_no_catch_fits_parks_the_execution_and_a_retry_enters_the_step_with_a_fresh_budget() -> None:
    story = given(CATCH.replace("attempts: 1", "attempts: 2")).started()
    story.when(fail("pay")).passes(1).when(fail("pay"))
    story.then(event(e.TaskFailed, step="pay"), event(e.WaitsClosed), event(e.ExecutionFailed, step="pay"))
    story.when(c.RetryExecution()).then(
        event(e.ExecutionRetried), event(e.TaskScheduled, step="pay", attempt=3), event(e.WaitsOpened, step="pay")
    )
    story.when(fail("pay")).then(event(e.TaskFailed, step="pay"))
    story.passes(1).then(event(e.TaskScheduled, step="pay", attempt=4))


def test_an_error_goes_outwards_to_the_nearest_composite_that_catches_it() -> None:
    assert given(NESTED).started().when(fail("x", "INNER")).open_tasks() == ["mend"]
    assert given(NESTED).started().when(fail("x", "OTHER")).open_tasks() == ["give_up"]


def test_what_is_in_a_step_whose_error_is_caught_is_withdrawn_the_latest_first() -> None:
    story = given(NESTED).started().when(fail("x", "OTHER"))
    withdrawn = [event.step for event in story.events if isinstance(event, e.StepCancelled)]
    assert withdrawn == ["y", "x", "inner", "outer"]
    story.when(c.CompleteTask(visit=4, attempt=1)).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_a_copy_hands_its_failure_to_the_for_each() -> None:
    text = """
    steps:
      all:
        each: 2
        do: {x: {task: t, retry: {attempts: 1}}}
        catch: [{error: BROKEN, next: mend}]
      mend: {task: t}
    """
    assert given(text).started().when(fail("x")).open_tasks() == ["mend"]


def test_a_step_that_fails_on_purpose_is_caught_like_any_other() -> None:
    text = """
    steps:
      block:
        do: {x: {fail: {code: TOO_MUCH, message: "{{ amount }} is too much"}}}
        catch: [{error: TOO_MUCH, set: {why: "{{ error.message }}"}, next: mend}]
      mend: {task: t, input: "{{ why }}"}
    """
    story = given(text).started(amount=7)
    scheduled = story.events[-1]
    assert isinstance(scheduled, e.TaskScheduled)
    assert (scheduled.step, scheduled.input) == ("mend", "7 is too much")


def test_a_catch_that_cannot_set_what_it_wants_fails_its_step_and_is_not_asked_again() -> None:
    text = """
    steps:
      x: {task: t, retry: {attempts: 1}, catch: [{error: any, set: {y: "{{ nowhere.x }}"}, next: end}]}
    """
    story = given(text).started().when(fail("x"))
    assert story.status == "failed"


def test_a_catch_may_end_the_path() -> None:
    story = given(CATCH).started().when(caught_message("pay", {"why": "gone"}, catch=2))
    story.then(
        event(e.StepCancelled, step="pay"),
        event(e.BoundaryTriggered, step="pay", set={"why": "gone"}, taken=(), message="m1"),
        event(e.WaitsClosed),
        event(e.ExecutionCompleted),
    )


def test_a_message_that_arrives_while_the_step_is_open_withdraws_it() -> None:
    story = (
        given(CATCH.replace("next: end", "next: ask")).started().when(caught_message("pay", {"why": "gone"}, catch=2))
    )
    assert story.open_tasks() == ["ask"]
    story.when(c.CompleteTask(visit=1, attempt=1)).then_rejected(RejectionCode.TASK_NOT_OPEN)


def test_a_message_that_arrives_when_the_step_is_over_is_refused() -> None:
    story = given(CATCH).started()
    late = caught_message("pay", {"why": "gone"}, catch=2)(story.state)
    story.when(complete("pay")).when(late).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    assert story.open_tasks() == ["done"]


def test_a_message_that_does_not_cancel_counts_each_time() -> None:
    text = "steps: {x: {task: t, catch: [{message: m, key: k, cancel: false, next: y}]}, y: {task: t}}"
    story = given(text).started()
    for n in (1, 2, 3):
        story.when(caught_message("x", id_=f"m{n}")).then(
            event(e.BoundaryTriggered, cancels=False), event(e.WaitsOpened, step="x"), event(e.TaskScheduled, step="y")
        )
    assert story.open_tasks() == ["x", "y", "y", "y"]
    story.when(complete("x")).then(event(e.TaskCompleted), event(e.WaitsClosed))


def test_a_signal_is_caught_while_the_step_is_open() -> None:
    text = "steps: {x: {task: t, catch: [{signal: s, set: {by: '{{ output }}'}, next: y}]}, y: {task: t}}"
    story = given(text).started().when(signal("x", "me", option=1000))
    story.then(
        event(e.StepCancelled, step="x"),
        event(e.BoundaryTriggered, cause="s", set={"by": "me"}),
        event(e.TaskScheduled, step="y"),
        event(e.WaitsClosed),
    )


def test_a_moment_leaves_the_step_open_where_it_does_not_cancel_and_comes_once() -> None:
    story = given(CATCH).started().passes(599).then_nothing()
    story.passes(1).then(
        event(e.BoundaryTriggered, cause="timer", cancels=False), event(e.TaskScheduled, step="remind")
    )
    assert story.open_tasks() == ["pay", "remind"]
    story.passes(0).then_nothing()
    story.passes(600).then_nothing()


def test_a_moment_withdraws_the_step_otherwise() -> None:
    text = "steps: {x: {task: t, catch: [{after: 10s, next: y}], next: z}, y: {task: t}, z: {task: t}}"
    story = given(text).started().passes(10)
    story.then(
        event(e.StepCancelled, step="x", attempt=1),
        event(e.BoundaryTriggered, cancels=True),
        event(e.TaskScheduled, step="y"),
        event(e.WaitsClosed),
    )


def test_a_moment_that_is_named_may_have_passed_already() -> None:
    text = "steps: {x: {task: t, catch: [{until: '{{ due }}', next: y}]}, y: {task: t}}"
    assert given(text).started(due="2020-01-01T00:00:00Z").passes(0).open_tasks() == ["y"]
    assert given(text).started(due="2026-01-01T12:00:10Z").passes(9).open_tasks() == ["x"]


def test_the_time_of_a_catch_is_that_of_the_visit_whatever_its_attempts() -> None:
    text = """
    steps:
      x: {task: t, retry: {attempts: 9, backoff: 4s, factor: 1}, catch: [{after: 10s, next: y}]}
      y: {task: t}
    """
    story = given(text).started().when(fail("x")).passes(4).when(fail("x"))
    assert story.passes(6).open_tasks() == ["y"]


@pytest.mark.parametrize("kind", ["do: {x: {task: t}}", "wait: {message: m, key: k}", "wait: 1h", "workflow: other"])
def test_the_time_out_of_what_is_no_task_is_that_of_the_visit(kind: str) -> None:
    story = given(
        f"steps: {{a: {{{kind}, timeout: 10s, catch: [{{error: STEP_TIMED_OUT, next: z}}]}}, z: {{task: t}}}}"
    )
    story.started().passes(9).then_nothing()
    assert story.passes(1).open_tasks() == ["z"]
    assert isinstance(story.state, Execution)
    assert len(story.state.visits) == 1


def test_the_time_out_of_a_task_is_that_of_one_attempt() -> None:
    text = """
    steps:
      a: {task: t, timeout: 11s, retry: {attempts: 2}, catch: [{error: TASK_TIMED_OUT, next: z}]}
      z: {task: t}
    """
    story = given(text).started().passes(60).then_nothing()
    story.when(claim("a")).passes(11).then(event(e.TaskFailed, step="a"))
    story.passes(1).when(claim("a")).passes(11)
    assert story.open_tasks() == ["z"]


def test_the_time_out_of_the_definition_is_that_of_the_execution() -> None:
    story = given("timeout: 1h\nsteps: {a: {task: t, catch: [{error: any, next: z}]}, z: {task: t}}").started()
    story.passes(3599).then_nothing().passes(1).then(event(e.ExecutionFailed))
    assert story.events[0].failure.code == ErrorCode.EXECUTION_TIMED_OUT  # type: ignore[union-attr]
    assert story.when(c.RetryExecution()).status == "running"
    assert story.passes(3599).then_nothing().passes(1).status == "failed"


def test_of_several_that_are_due_the_one_that_was_due_first_comes_first_then_the_lower_visit() -> None:
    text = """
    start: [a, b, c]
    steps:
      a: {task: t, catch: [{after: 2s, cancel: false, next: end}]}
      b: {task: t, catch: [{after: 1s, cancel: false, next: end}]}
      c: {task: t, catch: [{after: 2s, cancel: false, next: end}]}
    """
    story = given(text).started().passes(5)
    assert [event.step for event in story.events] == ["b", "a", "c"]  # type: ignore[union-attr]


def test_a_time_out_that_comes_first_leaves_nothing_for_a_later_moment_of_the_same_step() -> None:
    text = """
    steps:
      a: {do: {x: {task: t}}, timeout: 5s, catch: [{after: 6s, next: y}, {error: any, next: z}]}
      y: {task: t}
      z: {task: t}
    """
    assert given(text).started().passes(60).open_tasks() == ["z"]


ESCALATION = """
steps:
  block:
    do:
      tell: {escalate: {code: LATE, message: "by {{ days }}"}, next: go_on}
      go_on: {task: t}
    catch: [{escalation: LATE, cancel: false, set: {why: "{{ error.message }}"}, next: boss}]
  boss: {task: t, input: "{{ why }}"}
"""


def test_an_escalation_tells_the_nearest_composite_that_catches_it_and_goes_on() -> None:
    story = given(ESCALATION).started(days=3)
    assert story.open_tasks() == ["boss", "go_on"]
    (told,) = (event for event in story.events if isinstance(event, e.BoundaryTriggered))
    assert (told.cause, told.set, told.cancels) == ("LATE", {"why": "by 3"}, False)


def test_an_escalation_withdraws_where_the_catch_says_so() -> None:
    assert given(ESCALATION.replace("cancel: false", "cancel: true")).started(days=3).open_tasks() == ["boss"]


def test_an_escalation_that_nobody_catches_is_recorded_and_does_nothing() -> None:
    story = given(ESCALATION.replace("escalation: LATE", "escalation: EARLY")).started(days=3)
    assert story.open_tasks() == ["go_on"]
    assert any(isinstance(event, e.EscalationRaised) for event in story.events)


def test_what_fails_while_paused_is_caught_on_resuming() -> None:
    story = given(CATCH).started().when(c.PauseExecution())
    story.when(fail("pay", "LOST")).then(event(e.TaskFailed, step="pay"), event(e.WaitsClosed))
    assert story.status == "paused"
    assert story.when(c.ResumeExecution()).open_tasks() == ["ask"]


def test_a_moment_that_comes_while_paused_waits_for_resuming_and_comes_once() -> None:
    story = given(CATCH).started().when(c.PauseExecution()).passes(7200).then_nothing()
    assert story.when(c.ResumeExecution()).passes(0).open_tasks() == ["pay", "remind"]
    story.passes(7200).then_nothing()


def test_a_message_that_comes_while_paused_is_recorded_and_its_token_moves_on_resuming() -> None:
    story = given(CATCH.replace("next: end", "next: ask")).started().when(c.PauseExecution())
    story.when(caught_message("pay", {"why": "x"}, catch=2))
    story.then(
        event(e.StepCancelled, step="pay"),
        event(e.BoundaryTriggered, taken=("pay->ask#2",)),
        event(e.WaitsClosed),
    )
    assert story.status == "paused"
    assert story.open_tasks() == []
    assert story.when(c.ResumeExecution()).open_tasks() == ["ask"]


def test_a_cancelled_execution_closes_what_its_steps_wait_for() -> None:
    story = given(CATCH).started().when(c.CancelExecution())
    story.then(event(e.StepCancelled, step="pay"), event(e.WaitsClosed), event(e.ExecutionCancelled))
    (wait,) = story.events[1].waits  # type: ignore[union-attr]
    assert wait.source == "mailbox/m/k"


def test_what_was_closed_is_not_caught_when_the_same_step_is_entered_again() -> None:
    text = """
    steps:
      a: {task: t, catch: [{after: 10s, next: end}], next: b}
      b: {task: t, next: [{when: "steps.b == 1", next: a}, {otherwise: end}]}
    """
    story = given(text).started().passes(6).when(complete("a")).when(complete("b", 1))
    story.passes(9).then_nothing()
    assert story.open_tasks() == ["a"]
    assert story.passes(1).status == "completed"


def _timed_out(kind: str) -> Story:
    return given(f"steps: {{b: {{timeout: 10s, {kind}}}}}").started().passes(10)


@pytest.mark.parametrize("kind", ["do: {x: {task: t}}", "wait: {message: m, key: k}"])
def test_a_step_that_is_retried_after_its_time_out_has_its_whole_time_again(kind: str) -> None:
    story = _timed_out(kind)
    assert story.status == "failed"
    story.when(c.RetryExecution(), after=timedelta(days=1)).passes(9).then_nothing()
    assert story.passes(1).status == "failed"


def test_a_step_that_is_retried_waits_for_its_messages_again() -> None:
    story = given(CATCH).started().when(fail("pay"))
    story.when(caught_message("pay", {"why": "x"}, catch=2)).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story.when(c.RetryExecution())
    (opened,) = (event for event in story.events if isinstance(event, e.WaitsOpened))
    assert [wait.source for wait in opened.waits] == ["mailbox/m/k"]
    assert story.when(caught_message("pay", {"why": "x"}, catch=2)).status == "completed"
