"""The test kit with messages, signals, locks, sub-workflows, and what people do to an execution."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from penstock.domain.rejected import Rejected
from penstock.sdk.testing import TestRun, run

NOTHING: dict[str, Any] = {}
PAID = """
id: order
version: 1.0.0
variables: {order: o-1, paid: 0}
steps:
  pay:
    first:
      - {message: paid, key: "{{ order }}", set: {paid: "{{ output.amount }}"}, next: ship}
      - {signal: closed, next: end}
      - {after: 3d, next: remind}
  ship: {task: ship}
  remind: {task: remind}
"""
HANDLERS = {"ship": lambda: "on its way", "remind": lambda: "please", "work": lambda: 1}


def test_a_message_reaches_who_waits_for_its_key() -> None:
    with TestRun(PAID, HANDLERS) as order:
        assert order.status == "waiting"
        assert order.send_message("paid", "o-2", {"amount": 5}).status == "waiting"
        result = order.send_message("paid", "o-1", {"amount": 20})
        assert (result.status, result.output, result.variables["paid"]) == ("completed", "on its way", 20)


def test_a_message_that_came_early_is_kept_until_its_time_to_live_is_over() -> None:
    early = PAID.replace("steps:", "start: nap\nsteps:\n  nap: {wait: 1h, next: pay}")
    for ttl, end in ((timedelta(hours=2), "on its way"), (timedelta(minutes=5), "please")):
        with TestRun(early, HANDLERS) as order:
            order.send_message("paid", "o-1", {"amount": 20}, ttl=ttl)
            assert order.finish().output == end


def test_the_same_message_counts_once() -> None:
    twice = {
        "id": "twice",
        "version": "1.0.0",
        "steps": {
            "a": {"wait": {"message": "m", "key": "k"}, "next": "b"},
            "b": {"wait": {"message": "m", "key": "k"}},
        },
    }
    with TestRun(twice, NOTHING) as both:
        both.send_message("m", "k", id="m1")
        assert both.send_message("m", "k", id="m1").status == "waiting"
        assert both.send_message("m", "k", id="m2").status == "completed"


def test_a_signal_reaches_all_who_wait_now() -> None:
    with TestRun(PAID, HANDLERS) as order:
        assert order.broadcast("closed").status == "completed"


def test_a_timer_wins_where_nothing_comes() -> None:
    result = run(PAID, HANDLERS)
    assert result.output == "please"
    assert result.timeline[-1].after == timedelta(days=3)


CALLING = """
id: calling
version: 1.0.0
steps:
  call: {workflow: called, input: {n: 3}, next: after}
  after: {task: work, input: {got: "{{ steps.call }}"}}
"""
CALLED = """
id: called
version: 1.0.0
output: {doubled: "{{ n * 2 }}"}
variables: {n: 0}
steps: {one: {task: inner}}
"""


def test_a_sub_workflow_runs_and_gives_its_output() -> None:
    handlers: dict[str, Callable[..., Any]] = {"work": lambda got: got, "inner": lambda: None}
    result = run(CALLING, handlers, workflows=[CALLED])
    assert (result.status, result.output) == ("completed", {"doubled": 6})


def test_the_executions_that_were_called_can_be_looked_at() -> None:
    with TestRun(CALLING, {"work": lambda: 1, "inner": lambda: None}, workflows=[CALLED]) as calling:
        calling.finish()
        (child,) = calling.children.values()
        assert (child.status, child.steps()) == ("completed", ["one"])


def test_a_failure_of_a_called_one_fails_the_caller() -> None:
    def broken() -> None:
        raise ValueError("no")

    handlers: dict[str, Callable[..., Any]] = {"work": lambda: 1, "inner": broken}
    result = run(CALLING, handlers, workflows=[CALLED])
    assert result.status == "failed"
    assert result.failure is not None
    assert result.failure.code == "ValueError"


def test_a_workflow_that_was_not_given_is_said() -> None:
    result = run(CALLING, {"work": lambda: 1, "inner": lambda: None})
    assert result.status == "failed"
    assert result.failure is not None
    assert result.failure.code == "DEFINITION_UNKNOWN"


def test_a_lock_that_executions_share_is_had_by_one_visit_at_a_time() -> None:
    source = {
        "id": "desk",
        "version": "1.0.0",
        "steps": {
            "fork": {"parallel": ["a", "b"]},
            "a": {"wait": "1h", "lock": {"name": "desk", "shared": True}},
            "b": {"wait": "1h", "lock": {"name": "desk", "shared": True}},
        },
    }
    result = run(source, NOTHING)
    assert result.status == "completed"
    assert result.timeline[-1].after == timedelta(hours=2)


TWO = """
id: two
version: 1.0.0
steps:
  charge: {task: charge, next: remind}
  remind: {task: remind, next: ship}
  ship: {task: ship}
"""


def broken() -> None:
    raise ValueError("no")


def test_a_failed_step_is_completed_by_hand_and_another_skipped() -> None:
    hands: dict[str, Callable[..., Any]] = {"charge": broken, "remind": broken, "ship": lambda: "on its way"}
    with TestRun(TWO, hands) as order:
        assert order.finish().status == "failed"
        order.complete_step("charge", {"paid": 20})
        assert order.finish().status == "failed"
        assert order.skip_step("remind", reason="called instead").output == "on its way"


def test_a_task_is_executed_retried_skipped_and_compensated() -> None:
    source = """
    id: trip
    version: 1.0.0
    steps:
      book: {task: book, retry: {attempts: 2, backoff: 1s}, undo: {task: cancel-booking}, next: insure}
      insure: {task: insure, retry: {attempts: 1}, next: regret}
      regret: {compensate: [book]}
    """
    answers: Iterator[Any] = iter([ConnectionError("no"), "room 7"])

    def book() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    hands: dict[str, Callable[..., Any]] = {"book": book, "insure": broken, "cancel-booking": lambda: "free again"}
    with TestRun(source, hands) as trip:
        assert trip.finish().status == "failed"
        assert trip.skip_step("insure").status == "completed"
        assert [attempt.task for attempt in trip.result.attempts] == ["book", "book", "insure", "cancel-booking"]


def test_a_step_is_run_again_and_variables_are_set() -> None:
    with TestRun(PAID, HANDLERS) as order:
        assert order.set_variables({"order": "o-9"}).variables["order"] == "o-9"
        order.rerun_step("pay")
        assert order.send_message("paid", "o-9", {"amount": 1}).status == "completed"


def test_a_task_is_added_and_waited_for() -> None:
    handlers: dict[str, Callable[..., Any]] = {**HANDLERS, "call": lambda tel: tel}
    with TestRun(PAID, handlers) as order:
        order.add_task("call_them", "call", {"tel": "110"})
        assert [attempt.task for attempt in order.result.attempts] == ["call"]
        assert order.broadcast("closed").status == "completed"


def test_a_step_is_cancelled_and_its_catch_takes_it() -> None:
    caught = """
    id: caught
    version: 1.0.0
    steps:
      dig: {task: dig, timeout: 2h, catch: [{error: STEP_CANCELLED, next: tell}]}
      tell: {task: tell}
    """

    async def dig() -> None:
        await asyncio.sleep(3600)

    with TestRun(caught, {"dig": dig, "tell": lambda: "stopped"}) as order:
        assert order.open_steps == ["dig"]
        assert order.cancel_step("dig").output == "stopped"


def test_an_execution_goes_on_by_another_version() -> None:
    newer = PAID.replace("1.0.0", "1.1.0").replace("{task: ship}", "{task: work}")
    with TestRun(PAID, HANDLERS, workflows=[newer]) as order:
        order.migrate("1.1.0")
        assert order.send_message("paid", "o-1", {"amount": 1}).output == 1


def test_another_version_that_is_not_there_is_refused() -> None:
    with TestRun(PAID, HANDLERS) as order, pytest.raises(Rejected, match="DEFINITION_UNKNOWN"):
        order.migrate("9.9.9")
