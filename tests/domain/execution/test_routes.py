"""Ways out, and steps that take no time (``docs/semantics.md`` §2 and §4)."""

from typing import Any, Final

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution
from tests.domain.execution.story import Story, complete, event, fail, given

INCLUDE: Final = """
steps:
  pick: {include: [{when: n > 0, next: a}, {when: n > 1, next: b}, {when: n > 2, next: c}, {otherwise: d}]}
  a: {task: t}
  b: {task: t}
  c: {task: t}
  d: {task: t}
"""
REGION: Final = """
steps:
  fork: {parallel: [a, b, o, trigger]}
  a: {task: t, next: j}
  b: {do: {b1: {task: t, next: b2}, b2: {task: t}}, next: j}
  j: {task: t, join: all}
  o: {task: t}
  trigger: {task: t, next: stop}
  stop: {cancel: [b, j], next: after}
  after: {task: t}
"""


def failure_of(story: Story) -> Any:
    failed = story.events[-1]
    assert isinstance(failed, e.ExecutionFailed)
    return failed.failure


def lying(story: Story) -> dict[str, int]:
    assert isinstance(story.state, Execution)
    return story.state.tokens.get(0, {})


# ways out


@pytest.mark.parametrize(("n", "steps"), [(0, "d"), (1, "a"), (2, "ab"), (3, "abc")])
def test_include_takes_every_branch_that_holds_else_otherwise(n: int, steps: str) -> None:
    assert given(INCLUDE).started(n=n).open_tasks() == list(steps)


def test_include_records_every_condition_with_what_it_saw() -> None:
    passed = given(INCLUDE).started(n=2).events[1]
    assert isinstance(passed, e.StepPassed)
    assert [(found.expression, found.result, found.seen) for found in passed.evaluations] == [
        ("n > 0", True, {"n": 2}),
        ("n > 1", True, {"n": 2}),
        ("n > 2", False, {"n": 2}),
    ]


def test_include_without_a_branch_that_holds_fails_by_name_and_goes_on_when_the_data_is_mended() -> None:
    story = given(INCLUDE.replace(", {otherwise: d}", "").replace("  d: {task: t}\n", "")).started(n=0)
    assert failure_of(story).code == ErrorCode.NO_BRANCH_TAKEN
    story.when(c.SetVariables(values={"n": 1})).when(c.RetryExecution())
    assert (story.status, story.open_tasks()) == ("running", ["a"])


@pytest.mark.parametrize(("threads", "given_"), [("3", {}), ('"{{ n }}"', {"n": 3})])
def test_threads_takes_the_same_way_so_many_times(threads: str, given_: dict[str, Any]) -> None:
    story = given(f"steps: {{split: {{threads: {threads}, next: a}}, a: {{task: t}}}}").started(**given_)
    story.then(
        event(e.ExecutionStarted),
        event(e.StepPassed, step="split", taken=("split->a",) * 3),
        *[event(e.TaskScheduled, step="a")] * 3,
    )


@pytest.mark.parametrize("n", [1001, -1, 1.5, "three", None])
def test_threads_that_are_no_number_up_to_a_thousand_fail(n: object) -> None:
    story = given('steps: {split: {threads: "{{ n }}", next: a}, a: {task: t}}').started(n=n)
    assert failure_of(story).code == ErrorCode.EXPRESSION_FAILED


def test_threads_are_bounded_bites_too() -> None:
    story = given("steps: {split: {threads: 1000, next: a}, a: {task: t}}").started()
    assert len(story.events) <= 1001
    story.passes(0)
    assert len(story.open_tasks()) == 1000


# send


def test_a_message_is_sent_to_the_mailbox_of_its_name_and_key() -> None:
    given(
        """
        steps:
          tell: {send: {message: paid, key: "order-{{ order }}", payload: {sum: "{{ 2 * price }}"}, keep: 1d}, next: a}
          a: {task: t}
        """
    ).started(order=7, price=21).then(
        event(e.ExecutionStarted),
        event(
            e.MessageSent,
            step="tell",
            name="paid",
            key="order-7",
            payload={"sum": 42},
            keep=86400.0,
            taken=("tell->a",),
        ),
        event(e.TaskScheduled, step="a"),
    )


def test_a_signal_is_broadcast_and_the_token_goes_on() -> None:
    given("steps: {tell: {send: {signal: stop-all, payload: now}, next: a}, a: {task: t}}").started().then(
        event(e.ExecutionStarted),
        event(e.SignalSent, name="stop-all", payload="now", taken=("tell->a",)),
        event(e.TaskScheduled, step="a"),
    )


def test_nothing_is_sent_while_paused_and_once_after_the_resume() -> None:
    story = given("steps: {a: {task: t, next: tell}, tell: {send: {signal: done}}}").started()
    story.when(c.PauseExecution()).when(complete("a")).then(event(e.TaskCompleted))
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.SignalSent), event(e.ExecutionCompleted))


@pytest.mark.parametrize("order", [None, [], "", "x" * 201])
def test_a_key_that_is_no_text_fails_the_step_and_nothing_is_sent(order: object) -> None:
    story = given('steps: {tell: {send: {message: paid, key: "{{ order }}"}}}').started(order=order)
    story.then(event(e.ExecutionStarted), event(e.StepFailed, step="tell"), event(e.ExecutionFailed))


# cancel


def test_cancel_withdraws_the_visits_of_its_steps_with_what_is_in_them_and_the_tokens_before_them() -> None:
    story = given(REGION).started().when(complete("a"))
    assert lying(story) == {"a->j": 1}
    story.when(complete("trigger")).then(
        event(e.TaskCompleted),
        event(e.StepPassed, step="stop"),
        event(e.StepCancelled, step="b1", attempt=1),
        event(e.StepCancelled, step="b"),
        event(e.TokensWithdrawn, scope=0, consumed=("a->j",)),
        event(e.TaskScheduled, step="after"),
    )
    assert story.open_tasks() == ["after", "o"]
    story.when(complete("after")).when(complete("o"))
    assert story.status == "completed"


def test_cancel_of_what_is_not_open_does_nothing_and_goes_on() -> None:
    story = given(REGION).started().when(complete("b1")).when(complete("b2")).when(complete("a")).when(complete("j"))
    story.when(complete("trigger")).then(
        event(e.TaskCompleted), event(e.StepPassed, step="stop"), event(e.TaskScheduled, step="after")
    )


def test_cancel_may_go_on_to_what_it_has_cancelled_which_is_entered_afresh() -> None:
    story = given(REGION.replace("next: after", "next: b").replace("  after: {task: t}\n", "")).started()
    story.when(complete("b1")).when(complete("trigger"))
    assert story.open_tasks() == ["a", "b1", "o"]


def test_cancel_that_is_retried_withdraws_what_has_failed_beside_it() -> None:
    text = "start: [stop, b]\nsteps: {stop: {cancel: [b], next: [{when: go, next: x}]}, x: {task: t}, b: {task: t}}"
    story = given(text).started(go=False).when(fail("b", retryable=False)).when(c.SetVariables(values={"go": True}))
    assert story.when(c.RetryExecution()).open_tasks() == ["x"]


def test_cancel_reaches_the_steps_of_its_own_scope_only() -> None:
    text = """
    steps:
      copies:
        each: 2
        do:
          fork: {parallel: [a, trigger]}
          a: {task: t}
          trigger: {task: t, next: stop}
          stop: {cancel: a}
    """
    story = given(text).started().when(complete("trigger"))
    assert story.open_tasks() == ["a", "trigger"]
    story.when(complete("trigger"))
    assert story.status == "completed"


# fail and escalate


def test_fail_fails_with_its_code_and_message() -> None:
    story = given('steps: {no: {fail: {code: TOO_DEAR, message: "{{ price }} is too much"}}}').started(price=9)
    story.then(event(e.ExecutionStarted), event(e.StepFailed, step="no"), event(e.ExecutionFailed, step="no"))
    assert (failure_of(story).code, failure_of(story).message) == ("TOO_DEAR", "9 is too much")


def test_the_nearest_catch_takes_what_fails_and_what_is_in_its_step_is_withdrawn() -> None:
    text = """
    steps:
      block:
        start: [a, b]
        do: {a: {task: t}, b: {task: t, next: no}, no: {fail: TOO_DEAR}}
        catch: [{error: [OTHER, TOO_DEAR], set: {why: "{{ error.code }}"}, next: cheaper}]
      cheaper: {task: t}
    """
    given(text).started().when(complete("b")).then(
        event(e.TaskCompleted),
        event(e.StepFailed, step="no"),
        event(e.StepCancelled, step="no"),
        event(e.StepCancelled, step="a"),
        event(e.StepCancelled, step="block"),
        event(e.BoundaryTriggered, step="block", cause="TOO_DEAR", set={"why": "TOO_DEAR"}),
        event(e.TaskScheduled, step="cheaper"),
    )


def test_retrying_a_step_that_is_there_to_fail_fails_again() -> None:
    story = given("steps: {no: {fail: TOO_DEAR}}").started().when(c.RetryExecution())
    story.then(event(e.ExecutionRetried), event(e.StepFailed, visit=1), event(e.ExecutionFailed))


ESCALATING: Final = """
steps:
  outer:
    do:
      inner:
        do: {a: {task: t, next: tell}, tell: {escalate: {code: LATE, message: "by {{ days }}"}, next: b}, b: {task: t}}
        catch: [{escalation: OTHER, next: other}]
        next: end
      other: {task: t}
    catch: [{escalation: LATE, CANCEL set: {why: "{{ error.message }}"}, next: chief}]
  chief: {task: t}
"""


def test_an_escalation_tells_the_nearest_composite_that_catches_it_and_goes_on() -> None:
    story = given(ESCALATING.replace("CANCEL", "")).started(days=3)
    story.when(complete("a")).then(
        event(e.TaskCompleted),
        event(e.EscalationRaised, step="tell", taken=("tell->b",)),
        event(e.BoundaryTriggered, step="outer", cause="LATE", cancels=False, set={"why": "by 3"}),
        event(e.TaskScheduled, step="b"),
        event(e.TaskScheduled, step="chief"),
    )


def test_an_escalation_that_cancels_withdraws_the_step_that_catches_it() -> None:
    story = given(ESCALATING.replace("CANCEL", "cancel: true,")).started(days=3).when(complete("a"))
    assert story.open_tasks() == ["chief"]
    story.when(complete("chief"))
    assert story.status == "completed"


def test_an_escalation_that_nobody_catches_is_recorded_and_changes_nothing() -> None:
    given("steps: {a: {task: t, next: tell}, tell: {escalate: LATE, next: b}, b: {task: t}}").started().when(
        complete("a")
    ).then(event(e.TaskCompleted), event(e.EscalationRaised), event(e.TaskScheduled, step="b"))


# finish


def test_finish_withdraws_everything_else_the_latest_first_and_completes() -> None:
    text = """
    output: "{{ n }}"
    variables: {n: 1}
    steps:
      fork: {parallel: [a, b, c]}
      a: {task: t, output: {n: 2}, next: enough}
      b: {do: {b1: {task: t}}}
      c: {wait: 1h}
      enough: {finish: true}
    """
    given(text).started().when(complete("a")).then(
        event(e.TaskCompleted),
        event(e.StepPassed, step="enough"),
        event(e.StepCancelled, step="b1"),
        event(e.StepCancelled, step="c"),
        event(e.StepCancelled, step="b"),
        event(e.ExecutionCompleted, output=2, status="completed"),
    )


def test_finish_in_a_body_ends_the_whole_execution() -> None:
    text = """
    steps:
      copies:
        each: 3
        do: {a: {task: t, next: enough}, enough: {finish: true}}
        next: never
      never: {task: t}
    """
    story = given(text).started().when(complete("a"))
    assert story.status == "completed"
    assert sum(isinstance(event, e.StepCancelled) and event.step == "a" for event in story.events) == 2


def test_finish_ends_what_has_failed_elsewhere_once_it_is_reached() -> None:
    text = (
        "start: [a, b]\nsteps: {a: {task: t, next: enough}, b: {task: t, retry: {attempts: 1}}, enough: {finish: true}}"
    )
    story = given(text).started().when(fail("b")).when(complete("a")).then(event(e.TaskCompleted))
    assert story.status == "failed"
    story.when(c.RetryExecution())
    assert story.status == "completed"


def test_a_result_that_comes_after_the_finish_is_refused() -> None:
    story = given(REGION.replace("cancel: [b, j], next: after", "finish: true").replace("  after: {task: t}\n", ""))
    late = complete("o")(story.started().state)
    story.when(complete("trigger"))
    assert story.status == "completed"
    story.when(late)
    assert story.rejected is not None
    assert story.rejected.code == "EXECUTION_ENDED"
