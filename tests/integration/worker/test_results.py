"""What a worker makes of a task: its result, or the failure that says why there is none."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution.commands import CompleteTask, FailTask
from penstock.messages.records import Task
from penstock.sdk import BusinessRuleBroken, TaskContext, task
from tests.integration.worker.shop import CountingLog, Shop

pytestmark = pytest.mark.anyio


@task("add")
async def add(n: int, by: int = 1) -> dict[str, int]:
    return {"n": n + by}


@task("add-sync")
def add_in_a_thread(n: int) -> dict[str, int]:
    assert threading.current_thread() is not threading.main_thread()
    return {"n": n + 1}


@task("add-inline", inline=True)
def add_inline(n: int) -> dict[str, int]:
    assert threading.current_thread() is threading.main_thread()
    return {"n": n + 1}


async def failed(shop: Shop, offered: Task) -> FailTask:
    result = await shop.result(offered)
    assert isinstance(result, FailTask), result
    return result


async def test_async_sync_and_inline_handlers_give_their_output(shop: Shop) -> None:
    worker = await shop.open([add, add_in_a_thread, add_inline], identity="w1")
    for kind in ("add", "add-sync", "add-inline"):
        result = await shop.result(await shop.offer(kind, {"n": 41}))
        assert isinstance(result, CompleteTask)
        assert (result.output, result.worker, result.token) == ({"n": 42}, "w1", None)
    await shop.stop(worker)


async def test_a_result_names_its_attempt_and_goes_to_the_partition_of_its_execution(every_shop: Shop) -> None:
    await every_shop.open([add])
    offered = await every_shop.offers("add", [{"n": n} for n in range(20)], attempt=3, correlation_id="corr")
    for one in offered:
        result = await every_shop.result(one)
        assert (result.visit, result.attempt) == (one.visit, 3)
    first = next(r for r in every_shop.received if r.subject == offered[0].execution_id)
    assert first.id == f"{offered[0].id}/complete"
    assert first.correlation_id == "corr"


async def test_an_input_of_the_wrong_type_is_not_retryable_and_names_the_field(shop: Shop) -> None:
    await shop.open([add])
    result = await failed(shop, await shop.offer("add", {"n": "many"}))
    assert (result.failure.code, result.failure.retryable) == ("INPUT_INVALID", False)
    assert result.failure.message == "n: expected `int`, got `str`"


async def test_an_output_that_is_no_json_is_not_retryable(shop: Shop) -> None:
    @task
    async def give(what: str) -> Any:
        return {"object": object(), "nan": [float("nan")], "nul": "\0", "large": 2**60}[what]

    await shop.open([give])
    for what in ("object", "nan", "nul", "large"):
        result = await failed(shop, await shop.offer("give", {"what": what}))
        assert (result.failure.code, result.failure.retryable) == ("OUTPUT_INVALID", False)


async def test_an_output_over_the_limit_of_the_log_is_a_failure_of_the_step(shop: Shop) -> None:
    @task
    async def give(size: int) -> str:
        return "x" * size

    await shop.open([give])
    result = await failed(shop, await shop.offer("give", {"size": shop.log.max_record}))
    assert (result.failure.code, result.failure.retryable) == (ErrorCode.PAYLOAD_TOO_LARGE, False)


async def test_a_failure_of_the_business_keeps_its_code_message_details_and_class(shop: Shop) -> None:
    @task
    async def charge() -> None:
        raise BusinessRuleBroken("CARD_STOLEN", "call the police", details={"card": "4711"})

    await shop.open([charge])
    failure = (await failed(shop, await shop.offer("charge"))).failure
    assert (failure.code, failure.message, failure.retryable) == ("CARD_STOLEN", "call the police", False)
    assert (failure.details, failure.kind) == ({"card": "4711"}, "business")


@pytest.mark.parametrize("kind", ["break-async", "break-sync"])
async def test_any_other_error_is_a_failure_by_the_name_of_its_class(shop: Shop, kind: str) -> None:
    @task("break-async")
    async def break_async() -> None:
        raise KeyError("x" * 5000)

    @task("break-sync")
    def break_sync() -> None:
        raise KeyError("x" * 5000)

    await shop.open([break_async, break_sync])
    failure = (await failed(shop, await shop.offer(kind))).failure
    assert (failure.code, failure.retryable) == ("KeyError", True)
    assert len(failure.message) == 2000
    assert failure.details is not None
    assert "raise KeyError" in failure.details["traceback"] or "KeyError" in failure.details["traceback"]


async def test_a_handler_that_wants_to_end_the_process_only_fails_its_task(shop: Shop) -> None:
    @task
    async def leave() -> None:
        raise SystemExit(3)

    await shop.open([leave, add])
    assert (await failed(shop, await shop.offer("leave"))).failure.code == "SystemExit"
    assert isinstance(await shop.result(await shop.offer("add", {"n": 1})), CompleteTask)


async def test_a_handler_that_cancels_itself_fails(shop: Shop) -> None:
    @task
    async def cancel() -> None:
        raise asyncio.CancelledError

    await shop.open([cancel])
    assert (await failed(shop, await shop.offer("cancel"))).failure.code == "CancelledError"


async def test_a_failed_attempt_is_not_repeated_by_the_worker(shop: Shop) -> None:
    attempts = []

    @task
    async def flaky(context: TaskContext) -> None:
        attempts.append((context.attempt, context.idempotency_key))
        raise TimeoutError("the bank does not answer")

    await shop.open([flaky, add])
    first = await shop.offer("flaky")
    await failed(shop, first)
    second = await shop.offer("flaky", attempt=2)
    assert (await failed(shop, second)).failure.code == "TimeoutError"
    await shop.result(await shop.offer("add", {"n": 1}))
    assert attempts == [(1, first.id), (2, second.id)]


async def test_an_async_handler_past_its_time_is_stopped(shop: Shop) -> None:
    stopped = asyncio.Event()

    @task
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    await shop.open([hang])
    failure = (await failed(shop, await shop.offer("hang", timeout=0.05))).failure
    assert (failure.code, failure.retryable) == (ErrorCode.TASK_TIMED_OUT, True)
    assert stopped.is_set()


async def test_an_async_handler_that_will_not_stop_in_time_is_late_all_the_same(shop: Shop) -> None:
    @task
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done after all"
        return ""

    await shop.open([stubborn])
    assert (await failed(shop, await shop.offer("stubborn", timeout=0.05))).failure.code == ErrorCode.TASK_TIMED_OUT


async def test_what_a_sync_handler_gives_after_its_time_is_dropped(shop: Shop) -> None:
    gate, told = threading.Event(), threading.Event()

    @task("slow")
    def slow(context: TaskContext) -> str:
        told.set() if context.cancelled.wait(10) else None
        gate.wait(10)
        return "late"

    await shop.open([slow, add_in_a_thread], threads=1)
    late = await shop.offer("slow", timeout=0.05)
    assert (await failed(shop, late)).failure.code == ErrorCode.TASK_TIMED_OUT
    waiting = await shop.offer("add-sync", {"n": 1})
    await asyncio.to_thread(told.wait, 10)
    gate.set()
    assert isinstance(await shop.result(waiting), CompleteTask)
    assert len(shop.results(late)) == 1


async def test_the_handlers_own_timeout_is_not_taken_for_the_tasks(shop: Shop) -> None:
    @task
    async def impatient() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    await shop.open([impatient, add])
    assert (await failed(shop, await shop.offer("impatient"))).failure.code == "TimeoutError"
    assert isinstance(await shop.result(await shop.offer("add", {"n": 1})), CompleteTask)


async def test_a_context_tells_all_about_the_attempt(shop: Shop) -> None:
    seen: list[TaskContext] = []

    @task
    async def look(context: TaskContext, value: str) -> str:
        context.logger.info("looking")
        seen.append(context)
        return value

    await shop.open([look])
    offered = await shop.offer("look", {"value": "v"}, attempt=2, correlation_id="c", traceparent="t")
    assert isinstance(await shop.result(offered), CompleteTask)
    (context,) = seen
    assert (context.execution_id, context.step, context.visit) == (offered.execution_id, "s", 1)
    assert (context.attempt, context.idempotency_key) == (2, offered.id)
    assert (context.correlation_id, context.traceparent) == ("c", "t")
    assert context.deadline is not None
    assert not context.cancelled.is_set()


async def test_context_variables_do_not_pass_from_one_task_to_the_next(shop: Shop) -> None:
    tenant = ContextVar("tenant", default="nobody")

    @task
    async def serve(name: str) -> str:
        before = tenant.get()
        tenant.set(name)
        return before

    await shop.open([serve], concurrency=1)
    offered = await shop.offers("serve", [{"name": "one"}, {"name": "two"}, {"name": "three"}])
    for one in offered:
        result = await shop.result(one)
        assert isinstance(result, CompleteTask)
        assert result.output == "nobody"


async def test_results_of_a_moment_go_out_in_one_send(shop: Shop) -> None:
    assert isinstance(shop.log, CountingLog)
    gate = asyncio.Event()

    @task
    async def wait() -> None:
        await gate.wait()

    worker = await shop.open([wait], concurrency=100)
    offered = await shop.offers("wait", [None] * 100)
    await shop.until(lambda: worker.in_hand == 100)
    shop.log.sends.clear()
    gate.set()
    for one in offered:
        await shop.result(one)
    assert sum(shop.log.sends) == 100
    assert len(shop.log.sends) <= 3


async def test_a_type_without_a_handler_fails_its_task_so_that_nothing_waits_in_silence(shop: Shop) -> None:
    await shop.open([add])
    failure = (await failed(shop, await shop.offer("subtract", {"n": 1}))).failure
    assert (failure.code, failure.retryable) == ("HANDLER_MISSING", True)
    assert "'subtract'" in failure.message
    assert "'default'" in failure.message


async def test_at_most_so_many_handlers_run_at_a_time(shop: Shop) -> None:
    running, most, gate = 0, 0, asyncio.Event()

    @task
    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    worker = await shop.open([count], concurrency=7)
    offered = await shop.offers("count", [None] * 40)
    await shop.until(lambda: worker.in_hand == 40 and running == 7)
    gate.set()
    for one in offered:
        await shop.result(one)
    assert most == 7
