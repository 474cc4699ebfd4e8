"""The client of callers against a real gateway, engine and projector, and against servers that behave badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.gateway.service import Gateway
from penstock.log.port import Log
from penstock.runtime.ids import new_id
from penstock.sdk.builder import Definition
from penstock.sdk.client import Client
from penstock.sdk.executions import Execution
from penstock.sdk.refusals import ExecutionFailed, NotFound, Rejected, TimedOut, Unauthorized, Unavailable
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import ORDER, serving, whole, work

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def shop(log: Log, pool: Pool) -> AsyncIterator[tuple[Client, httpx.AsyncClient, Gateway]]:
    """A client of a whole deployment in which the sample definition is published."""
    async with whole(log, pool) as (gateway, worker), Client(gateway.url) as client:
        await client.publish(ORDER)
        yield client, worker, gateway


async def test_a_started_execution_gives_its_result(log: Log, pool: Pool) -> None:
    async with shop(log, pool) as (client, worker, _):
        started = await client.start("order", {"amount": 3}, business_key="k", tags=["vip"])
        seen = await started.get()
        assert (seen.status, seen.input, seen.business_key, seen.tags) == ("running", {"amount": 3}, "k", ("vip",))
        with pytest.raises(TimedOut, match="RESULT_LATE"):
            await started.result(timeout=0.05)
        result = asyncio.create_task(started.result(timeout=10))
        for _ in range(2):
            await work(worker)
        assert await result == {"score": 7}
        assert [task.step for task in await started.tasks()] == ["check", "ship"]
        events = [occurrence.type async for occurrence in started.timeline()]
        assert events[0] == "penstock.execution_started.v1"
        assert events[-1] == "penstock.execution_completed.v1"


async def test_a_start_may_wait_for_the_end(log: Log, pool: Pool) -> None:
    async with shop(log, pool) as (client, worker, _):
        starting = asyncio.create_task(client.start("order", wait=10))
        for _ in range(2):
            await work(worker)
        assert (await (await starting).get()).ended


async def test_the_same_id_starts_once(log: Log, pool: Pool) -> None:
    async with shop(log, pool) as (client, _, _):
        id_ = new_id()
        first, second = await client.start("order", id=id_), await client.start("order", id=id_)
        assert first.id == second.id == id_
        assert len([one async for one in client.list(min_token=second.token)]) == 1


async def test_executions_are_steered_and_what_comes_next_shows_it(log: Log, pool: Pool) -> None:
    async with shop(log, pool) as (client, _, _):
        handle = await client.start("order")
        await handle.pause("lunch")
        assert (await handle.get()).status == "paused"
        await handle.resume()
        await handle.cancel("no longer wanted")
        assert (await handle.get()).status == "cancelled"
        with pytest.raises(ExecutionFailed, match="CANCELLED: no longer wanted"):
            await handle.result(timeout=5)
        with pytest.raises(Rejected, match="EXECUTION_ENDED"):
            await handle.terminate()
        with pytest.raises(Rejected):
            await handle.retry()


async def test_lists_go_on_over_all_pages(log: Log, pool: Pool) -> None:
    async with shop(log, pool) as (client, _, _):
        handles = [await client.start("order") for _ in range(5)]
        for handle in handles:
            await handle.get()
        found = [one async for one in client.list(status=["running", "waiting"], definition="order", page=2)]
        assert [one.id for one in found] == [handle.id for handle in reversed(handles)]


async def test_definitions_come_built_as_text_or_in_a_file(log: Log, pool: Pool, tmp_path: Path) -> None:
    async with shop(log, pool) as (client, _, _):
        text = "id: tiny\nversion: 1.0.0\nsteps:\n  one:\n    task: noop\n"
        by_text = await client.publish(text)
        (tmp_path / "tiny.yaml").write_text(text)
        by_file = await client.publish(tmp_path / "tiny.yaml")
        built = Definition("tiny", "1.0.0")
        built.task("one", "noop")
        by_builder = await client.publish(built)
        assert by_text.digest == by_file.digest == by_builder.digest
        with pytest.raises(Rejected, match="DEFINITION_INVALID") as refused:
            await client.publish("id: tiny\nversion: 1\nsteps: {}\n")
        assert {finding["line"] for finding in refused.value.more["findings"]} >= {2}
        with pytest.raises(NotFound, match="DEFINITION_UNKNOWN"):
            await client.start("nobody-knows")
        with pytest.raises(NotFound, match="EXECUTION_UNKNOWN"):
            await client.get(new_id())


async def test_code_that_is_not_asynchronous_has_the_same_client(log: Log, pool: Pool) -> None:
    def script(url: str) -> tuple[str, Any, list[str], list[str]]:
        with Client.blocking(url) as client:
            handle = client.start("order", {"n": 1})
            shown: Execution = handle.get()
            result = handle.result(timeout=10)
            types = [occurrence.type for occurrence in handle.timeline()]
            return shown.definition, result, [one.id for one in client.list()], types

    async with shop(log, pool) as (_, worker, gateway):
        running = asyncio.create_task(asyncio.to_thread(script, gateway.url))
        for _ in range(2):
            await work(worker)
        definition, result, ids, types = await running
        assert definition == "order"
        assert result == {"score": 7}
        assert len(ids) == 1
        assert types[-1] == "penstock.execution_completed.v1"


async def test_a_closed_blocking_client_says_so_and_leaves_no_thread() -> None:
    import threading

    client = Client.blocking("http://127.0.0.1:1")
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("x")
    assert "penstock-client" not in {thread.name for thread in threading.enumerate()}


async def test_without_the_token_of_the_deployment_nobody_comes_in(log: Log, pool: Pool) -> None:
    async with serving(log, pool, token="s3cret") as (gateway, _):
        async with Client(gateway.url) as client:
            with pytest.raises(Unauthorized):
                await client.get(new_id())
        async with Client(gateway.url, "s3cret", attempts=1) as client:
            with pytest.raises(Unavailable, match="TABLES_UNAVAILABLE"):
                await client.get(new_id())


def answering(*answers: Callable[[httpx.Request], httpx.Response]) -> tuple[httpx.AsyncClient, list[httpx.Request]]:
    """A transport that answers one after the other, and what was asked of it."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[len(asked) - 1](request)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), asked


def accepted(request: httpx.Request) -> httpx.Response:
    return httpx.Response(201, json={"id": "x", "token": "e0.1", "command_id": "c"})


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("connection reset")


def busy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, json={"code": "TOO_BUSY", "detail": "later"}, headers={"Retry-After": "0"})


async def test_a_command_that_nobody_answered_is_repeated_under_the_same_key() -> None:
    http, asked = answering(broken, busy, accepted)
    client = Client(client=http, pause=0.001)
    assert (await client.start("order")).id == "x"
    assert len(asked) == 3
    assert len({request.headers["idempotency-key"] for request in asked}) == 1
    assert len({request.content for request in asked}) == 1


async def test_after_a_few_attempts_the_caller_is_told() -> None:
    http, asked = answering(*[broken] * 3)
    with pytest.raises(Unavailable, match="UNREACHABLE"):
        await Client(client=http, attempts=3, pause=0.001).cancel("x")
    assert len(asked) == 3


async def test_a_refusal_is_not_repeated() -> None:
    http, asked = answering(lambda _: httpx.Response(409, json={"code": "EXECUTION_ENDED", "detail": "it ended"}))
    with pytest.raises(Rejected, match="EXECUTION_ENDED: it ended") as refused:
        await Client(client=http).pause("x")
    assert refused.value.code == "EXECUTION_ENDED"
    assert len(asked) == 1


async def test_something_that_is_no_gateway_is_told_apart() -> None:
    http, _ = answering(lambda _: httpx.Response(200, text="<html>hello</html>"))
    with pytest.raises(Unavailable, match="ANSWER_UNREADABLE"):
        await Client(client=http).get("x")
