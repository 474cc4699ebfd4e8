"""Workers on a feed: the same behaviour in one process and over HTTP."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.rejected import RejectionCode
from penstock.sdk import HttpTransport, LocalTransport, TaskContext, TransportUnavailable, Worker, task
from penstock.sdk.task import Handlers
from penstock.sdk.transport import Transport
from tests.integration.worker.scripted_feed import ScriptedFeed, refused, served

pytestmark = pytest.mark.anyio
LONG = {"claim": True, "timeout": 60.0}
MakeTransport = Callable[[ScriptedFeed], Any]


@pytest.fixture(params=["local", "http"])
def transport_to(request: pytest.FixtureRequest) -> MakeTransport:
    """An open transport to a feed, as a context manager."""

    @asynccontextmanager
    async def local(feed: ScriptedFeed) -> AsyncIterator[Transport]:
        yield LocalTransport(feed)

    @asynccontextmanager
    async def http(feed: ScriptedFeed) -> AsyncIterator[Transport]:
        async with served(feed) as url, httpx.AsyncClient(trust_env=False) as client:
            yield HttpTransport(url, client=client)

    return {"local": local, "http": http}[request.param]


@asynccontextmanager
async def working(transport: Transport, handlers: Handlers, **options: Any) -> AsyncIterator[Worker]:
    worker = Worker(handlers, transport, **options)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
        await worker.stop()
        await asyncio.wait_for(running, 20)
    finally:
        running.cancel()


@task("add")
async def add(n: int) -> int:
    return n + 1


async def test_a_task_is_polled_by_type_done_and_completed_under_its_token(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    one = feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add], identity="w1", concurrency=3):
        ((task_id, (token, output, worker)),) = await feed.until("complete")
    assert (task_id, token, output, worker) == (one.id, f"token-{one.execution_id}", 2, "w1")
    queue, worker, types, limit = feed.polls[0]
    assert (queue, worker, list(types)) == ("default", "w1", ["add"])
    assert limit >= 3


async def test_a_failure_is_reported(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    one = feed.offer("add", {"n": "one"})
    async with transport_to(feed) as transport, working(transport, [add]):
        ((task_id, (_, failure, _)),) = await feed.until("fail")
    assert (task_id, failure.code, failure.retryable) == (one.id, "INPUT_INVALID", False)


async def test_heartbeats_keep_a_task_and_a_refused_one_ends_its_handler(transport_to: MakeTransport) -> None:
    feed, cancelled = ScriptedFeed(), asyncio.Event()

    @task("hang")
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    feed.offer("hang", heartbeat=0.06, **LONG)
    async with transport_to(feed) as transport, working(transport, [hang]):
        await feed.until("heartbeat", 2)
        assert not cancelled.is_set()
        feed.answers["heartbeat"] = refused(RejectionCode.TASK_NOT_OPEN)
        await asyncio.wait_for(cancelled.wait(), 20)
    assert [verb for verb, _, _ in feed.calls if verb != "heartbeat"] == []


async def test_a_lease_that_is_shorter_than_the_work_is_kept_by_heartbeats(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed(lease=0.3)
    gate = asyncio.Event()

    @task("dig")
    async def dig() -> str:
        await gate.wait()
        return "gold"

    feed.offer("dig", **LONG)
    async with transport_to(feed) as transport, working(transport, [dig]):
        await feed.until("heartbeat", 3)
        gate.set()
        assert len(await feed.until("complete")) == 1


async def test_a_task_whose_lease_is_over_never_begins(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed(lease=-1)
    feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add]):
        feed.lease = timedelta(seconds=30)
        feed.offer("add", {"n": 2})
        await feed.until("complete")
    assert [output for _, (_, output, _) in feed.of("complete")] == [3]


async def test_a_worker_that_stops_hands_back_what_it_did_not_finish(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    begun, gate = [], asyncio.Event()

    @task("wait")
    async def wait(n: int) -> None:
        begun.append(n)
        if n == 0:
            await gate.wait()
        await asyncio.Event().wait() if n == 1 else None

    offered = [feed.offer("wait", {"n": n}) for n in range(2)]
    async with transport_to(feed) as transport, working(transport, [wait], grace=0.1):
        async with asyncio.timeout(20):
            while len(begun) < 2:
                await asyncio.sleep(0.001)
        gate.set()
    assert [task_id for task_id, _ in feed.of("complete")] == [offered[0].id]
    assert feed.of("release") == [(offered[1].id, f"token-{offered[1].execution_id}")]


async def test_results_are_offered_again_while_the_feed_does_not_answer(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    feed.answers["complete"] = deque([TransportUnavailable("down"), TransportUnavailable("down")])
    feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add]):
        await feed.until("complete", 3)


async def test_a_worker_waits_for_a_feed_that_does_not_answer(
    transport_to: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.sdk.worker.PAUSE", 0.01)
    feed = ScriptedFeed()
    feed.answers["poll"] = deque([TransportUnavailable("down"), TransportUnavailable("down")])
    feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add]) as worker:
        await feed.until("complete")
        assert worker.ready()


async def test_a_refused_result_is_not_offered_again(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    feed.answers["complete"] = refused(RejectionCode.ATTEMPT_SUPERSEDED)
    feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add]):
        await feed.until("complete")
        feed.offer("add", {"n": 2})
        await feed.until("complete", 2)
    assert [output for _, (_, output, _) in feed.of("complete")] == [2, 3]


async def test_an_output_that_is_too_large_becomes_the_failure_of_its_task(transport_to: MakeTransport) -> None:
    feed = ScriptedFeed()
    feed.answers["complete"] = refused(RejectionCode.PAYLOAD_TOO_LARGE)
    feed.offer("add", {"n": 1})
    async with transport_to(feed) as transport, working(transport, [add]):
        ((_, (_, failure, _)),) = await feed.until("fail")
    assert (failure.code, failure.retryable) == (ErrorCode.PAYLOAD_TOO_LARGE, False)


async def test_a_task_that_comes_back_while_it_runs_is_done_once_under_the_new_token(
    transport_to: MakeTransport,
) -> None:
    feed, gate, begun = ScriptedFeed(), asyncio.Event(), []

    @task("wait")
    async def wait(context: TaskContext) -> str:
        begun.append(context.idempotency_key)
        await gate.wait()
        return "done"

    one = feed.offer("wait")
    async with transport_to(feed) as transport, working(transport, [wait, add]):
        async with asyncio.timeout(20):
            while not begun:
                await asyncio.sleep(0.001)
        feed.offer("wait", id=one.id)
        feed.offer("add", {"n": 1})
        await feed.until("complete")  # what was offered before has come, too
        gate.set()
        _, (task_id, (token, _, _)) = await feed.until("complete", 2)
    assert begun == [one.id] == [task_id]
    assert token != f"token-{one.execution_id}"


async def test_the_api_token_is_sent() -> None:
    feed = ScriptedFeed()
    feed.offer("add", {"n": 1})
    async with served(feed, token="secret") as url, working(HttpTransport(url, api_token="secret"), [add]):
        await feed.until("complete")


async def test_deadlines_are_counted_from_the_start_of_the_handler() -> None:
    feed = ScriptedFeed()
    seen: list[datetime | None] = []

    @task("look")
    async def look(context: TaskContext) -> None:
        seen.append(context.deadline)

    before = datetime.now(UTC)
    feed.offer("look", timeout=5.0)
    async with working(LocalTransport(feed), [look]):
        await feed.until("complete")
    (deadline,) = seen
    assert deadline is not None
    assert before + timedelta(seconds=5) <= deadline <= datetime.now(UTC) + timedelta(seconds=5)
