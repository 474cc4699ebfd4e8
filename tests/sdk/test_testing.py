"""The test kit: a definition with its handlers, in virtual time."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.errors import ErrorCode
from penstock.domain.rejected import Rejected
from penstock.sdk import HandlerInvalid, TaskContext, TaskFailed, task
from penstock.sdk.testing import TestRun, run

ORDER = """
id: order
version: 1.0.0
input: {type: object, required: [amount]}
output: {paid: "{{ paid }}"}
steps:
  check:
    task: check-credit
    output: {score: "{{ output.score }}"}
    next: decide
  decide:
    choose:
      - {when: score > 50, next: charge}
      - {otherwise: cool_down}
  cool_down: {wait: 5d, next: charge}
  charge:
    task: charge-card
    timeout: 30s
    retry: {attempts: 3, backoff: 10s, factor: 2}
    output: {paid: "{{ output.paid }}"}
"""


@task
def check_credit(amount: float) -> dict[str, float]:
    return {"score": amount}


@task("charge-card")
async def charge(amount: float) -> dict[str, float]:
    return {"paid": amount}


def test_an_execution_runs_to_its_end() -> None:
    result = run(ORDER, [check_credit, charge], {"amount": 60})
    assert (result.status, result.output, result.failure) == ("completed", {"paid": 60}, None)
    assert result.steps() == ["check", "charge"]
    assert result.variables["score"] == 60
    assert [attempt.task for attempt in result.attempts] == ["check-credit", "charge-card"]


def test_days_of_waiting_take_no_time() -> None:
    began = time.perf_counter()
    result = run(ORDER, [check_credit, charge], {"amount": 1})
    assert result.status == "completed"
    assert [entry.after for entry in result.timeline if entry.what == "timer_fired"] == [timedelta(days=5)]
    assert time.perf_counter() - began < 5


def test_attempts_are_counted_by_the_engine_with_its_pauses_between_them() -> None:
    seen: list[int] = []

    @task("charge-card")
    async def flaky(context: TaskContext) -> dict[str, int]:
        seen.append(context.attempt)
        if context.attempt < 3:
            raise ConnectionError("the bank does not answer")
        return {"paid": 1}

    result = run(ORDER, [check_credit, flaky], {"amount": 60})
    assert result.status == "completed"
    assert seen == [1, 2, 3]
    scheduled = [entry.after.total_seconds() for entry in result.timeline if entry.what == "task_scheduled"]
    assert scheduled == [0, 0, 10, 30]


def test_a_failure_that_is_not_retryable_ends_the_attempts() -> None:
    @task("charge-card")
    def refuse() -> None:
        raise TaskFailed("CARD_STOLEN", "call the police", retryable=False)

    result = run(ORDER, [check_credit, refuse], {"amount": 60})
    assert result.status == "failed"
    assert result.failure is not None
    assert (result.failure.code, result.failure.message) == ("CARD_STOLEN", "call the police")
    assert result.steps("task_failed") == ["charge"]


def test_a_handler_that_sleeps_does_so_in_virtual_time_and_is_late_when_it_sleeps_too_long() -> None:
    @task("charge-card")
    async def sleep(context: TaskContext) -> dict[str, int]:
        await asyncio.sleep(29 if context.attempt == 2 else 31)
        return {"paid": 1}

    result = run(ORDER, [check_credit, sleep], {"amount": 60})
    assert result.status == "completed"
    failures = [entry.event.failure.code for entry in result.timeline if entry.what == "task_failed"]  # type: ignore[union-attr]
    assert failures == [ErrorCode.TASK_TIMED_OUT]
    assert result.timeline[-1].after == timedelta(seconds=30 + 10 + 29)


def test_parallel_handlers_sleep_at_the_same_time() -> None:
    definition = {
        "id": "both",
        "version": "1.0.0",
        "steps": {
            "fork": {"parallel": ["a", "b"]},
            "a": {"task": "nap", "next": "joined"},
            "b": {"task": "nap", "next": "joined"},
            "joined": {"pass": True, "join": "all"},
        },
    }

    async def nap() -> None:
        await asyncio.sleep(5)

    result = run(definition, {"nap": nap})
    assert result.timeline[-1].after == timedelta(seconds=5)


def test_a_handler_with_a_heartbeat_may_take_hours() -> None:
    definition = {"id": "long", "version": "1.0.0", "steps": {"s": {"task": "dig", "heartbeat": "30s"}}}

    async def dig() -> str:
        await asyncio.sleep(3 * 3600)
        return "gold"

    result = run(definition, {"dig": dig})
    assert (result.status, result.output) == ("completed", "gold")
    assert "task_claimed" in [entry.what for entry in result.timeline]


def test_work_in_threads_takes_real_time_not_virtual() -> None:
    definition = {"id": "t", "version": "1.0.0", "steps": {"s": {"task": "look"}}}

    async def look() -> str:
        return await asyncio.to_thread(lambda: time.sleep(0.02) or "seen")  # type: ignore[func-returns-value]

    assert run(definition, {"look": look}).output == "seen"


def test_an_execution_can_be_led_step_by_step() -> None:
    with TestRun(ORDER, [check_credit, charge], {"amount": 1}) as order:
        assert (order.status, order.open_steps) == ("waiting", ["cool_down"])
        order.advance(timedelta(days=4))
        assert order.open_steps == ["cool_down"]
        assert order.pause(reason="audit").status == "paused"
        order.advance(timedelta(days=2))
        assert order.status == "paused"
        assert order.resume().status == "completed"
        with pytest.raises(Rejected, match="EXECUTION_ENDED"):
            order.cancel()


def test_a_cancelled_execution_cancels_the_handler_that_runs() -> None:
    cancelled = []

    @task("check-credit")
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    with TestRun(ORDER, [hang, charge], {"amount": 1}) as order:
        assert order.open_steps == ["check"]
        result = order.cancel(reason="changed their mind")
        assert (result.status, cancelled) == ("cancelled", [True])


def test_a_failed_execution_can_be_retried() -> None:
    answers = iter([RuntimeError("no"), RuntimeError("no"), RuntimeError("no"), {"paid": 7}])

    @task("charge-card")
    def sometimes() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with TestRun(ORDER, [check_credit, sometimes], {"amount": 60}) as order:
        assert order.finish().status == "failed"
        assert order.retry().output == {"paid": 7}


async def _in_a_loop() -> str:
    return run(ORDER, [check_credit, charge], {"amount": 60}).status


def test_it_works_within_a_running_loop() -> None:
    assert asyncio.run(_in_a_loop()) == "completed"


def test_a_definition_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(ORDER)
    assert run(file, [check_credit, charge], {"amount": 60}).status == "completed"


def test_what_is_wrong_is_said_at_once() -> None:
    with pytest.raises(HandlerInvalid, match="'charge-card'"):
        run(ORDER, [check_credit], {"amount": 60})
    with pytest.raises(Rejected, match="INPUT_INVALID"):
        run(ORDER, [check_credit, charge], {})
    with pytest.raises(DefinitionInvalid):
        run("id: x", [charge])
