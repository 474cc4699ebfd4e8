"""The feed of tasks at the log's seam, with an engine that says what it is told and a clock that moves when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.domain.errors import Failure
from penstock.domain.execution.commands import ClaimTask, CompleteTask, FailTask, HeartbeatTask
from penstock.domain.rejected import Rejected
from penstock.gateway.commander import Commander
from penstock.gateway.feed import TaskFeed
from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Message, TopicPartition
from penstock.log.topics import DEFAULT_QUEUE, TASKS_CONTROL, product_topics, tasks_topic
from penstock.messages.records import Task, TaskWithdrawn, encode_record
from penstock.runtime.ids import new_id
from tests.integration.gateway.rig import until
from tests.integration.gateway.scripted_engine import ScriptedEngine, scripted

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GROUP = f"feed-{DEFAULT_QUEUE}"
PLACE = TopicPartition(tasks_topic(DEFAULT_QUEUE), 0)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Scene:
    """One feed over the default queue, whose transport is http here."""

    def __init__(self, log: MemoryLog, engine: ScriptedEngine, feed: TaskFeed, clock: Clock) -> None:
        self.log, self.engine, self.feed, self.clock = log, engine, feed, clock

    async def poll(self, worker: str = "w1", limit: int = 1, wait: float = 5.0, types: Any = None) -> list[Any]:
        return list(await self.feed.poll(DEFAULT_QUEUE, worker, types, limit, wait))

    async def committed(self, position: int) -> None:
        async with asyncio.timeout(5):
            while (await self.log.progress(GROUP)).get(PLACE) != position:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def scene(log: MemoryLog | None = None, **options: Any) -> AsyncIterator[Scene]:
    log = log or MemoryLog()
    await log.apply(product_topics(1))
    clock = Clock()
    commander = Commander(log, 1)
    feed = TaskFeed(log, commander, clock=clock, default_transport="http", **{"answer_timeout": 5.0, **options})
    async with scripted(log) as engine:
        parts = [asyncio.create_task(commander.run()), asyncio.create_task(feed.run())]
        try:
            await until(lambda: commander.listening() and feed.ready())
            yield Scene(log, engine, feed, clock)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)


def task(kind: str = "pack", **more: Any) -> Task:
    execution = new_id()
    return Task(
        id=f"{execution}/s/1/1",
        execution_id=execution,
        step="s",
        visit=1,
        attempt=1,
        task=kind,
        queue=DEFAULT_QUEUE,
        **more,
    )


async def test_a_task_goes_to_who_polls_and_its_result_to_the_engine() -> None:
    async with scene() as s:
        one = task(input={"n": 1})
        await s.engine.offer(one)
        (offer,) = await s.poll()
        assert offer.task == one
        assert offer.lease_until == NOON + timedelta(seconds=30)
        token = await s.feed.complete(one.id, offer.token, {"ok": True}, "w1")
        (received,) = s.engine.of(CompleteTask)
        assert received.command == CompleteTask(visit=1, attempt=1, output={"ok": True}, token=offer.token, worker="w1")
        assert (received.subject, received.id) == (one.execution_id, f"{one.id}/complete")
        assert str(token) == "e0.0"
        await s.committed(1)


async def test_a_poll_that_waits_is_served_when_a_task_comes_and_first_come_first_served() -> None:
    async with scene() as s:
        first = asyncio.create_task(s.poll("w1"))
        await asyncio.sleep(0)
        second = asyncio.create_task(s.poll("w2"))
        a, b = task(), task()
        await s.engine.offer(a)
        assert [offer.task for offer in await first] == [a]
        await s.engine.offer(b)
        assert [offer.task for offer in await second] == [b]


async def test_what_nobody_finished_in_time_goes_to_the_next_and_the_first_is_refused_by_name() -> None:
    async with scene() as s:
        one = task()
        await s.engine.offer(one)
        (lost,) = await s.poll("w1")
        s.clock.forward(30)
        s.feed.tick()
        (again,) = await s.poll("w2")
        assert again.task == one
        assert again.token != lost.token
        with pytest.raises(Rejected, match="ATTEMPT_SUPERSEDED"):
            await s.feed.complete(one.id, lost.token, 1, "w1")
        with pytest.raises(Rejected, match="ATTEMPT_SUPERSEDED"):
            await s.feed.heartbeat(one.id, lost.token)
        assert s.engine.of(CompleteTask) == []
        await s.feed.complete(one.id, again.token, 2, "w2")


async def test_a_result_after_the_lease_that_nobody_else_took_up_is_for_the_engine_to_decide() -> None:
    async with scene() as s:
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        s.clock.forward(31)
        s.feed.tick()
        await s.feed.complete(one.id, offer.token, 1, "w1")
        assert await s.poll(wait=0.0) == []
        await s.committed(1)


async def test_a_refusal_of_the_engine_reaches_the_worker_and_ends_the_matter() -> None:
    async with scene() as s:
        s.engine.script = lambda received: "TASK_NOT_OPEN" if isinstance(received.command, CompleteTask) else ""
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        with pytest.raises(Rejected, match="TASK_NOT_OPEN"):
            await s.feed.complete(one.id, offer.token, 1, "w1")
        await s.committed(1)


async def test_a_result_that_is_in_the_log_counts_as_delivered_even_if_nobody_answers() -> None:
    async with scene(answer_timeout=0.05) as s:
        s.engine.script = lambda _: None
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        await s.feed.fail(one.id, offer.token, Failure(code="OOPS"), "w1")
        assert [received.command.failure.code for received in s.engine.of(FailTask)] == ["OOPS"]  # type: ignore[union-attr]
        await s.committed(1)


async def test_an_unstorable_result_is_refused_by_name() -> None:
    async with scene() as s:
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        with pytest.raises(Rejected, match="MALFORMED"):
            await s.feed.complete(one.id, offer.token, {"n": 2**60}, "w1")
        with pytest.raises(Rejected, match="PAYLOAD_TOO_LARGE"):
            await s.feed.complete(one.id, offer.token, "x" * 2_000_000, "w1")
        await s.feed.fail(one.id, offer.token, Failure(code="OUTPUT_INVALID"), "w1")


async def test_a_long_task_is_claimed_before_it_is_handed_out() -> None:
    async with scene() as s:
        await s.engine.offer(one := task(claim=True, timeout=300.0, heartbeat=20.0))
        (offer,) = await s.poll("w7")
        (claim,) = s.engine.of(ClaimTask)
        assert claim.command == ClaimTask(visit=1, attempt=1, worker="w7", token=offer.token)
        assert offer.lease_until == NOON + timedelta(seconds=60)
        await s.committed(1)
        assert one.id in claim.id


async def test_a_long_task_that_the_engine_refuses_is_handed_to_nobody() -> None:
    async with scene() as s:
        s.engine.script = lambda received: "TASK_NOT_OPEN" if received.subject == refused.execution_id else ""
        refused, good = task(claim=True), task(claim=True)
        await s.engine.offer(refused)
        await s.engine.offer(good)
        assert [offer.task for offer in await s.poll()] == [good]


async def test_a_claim_that_nobody_answers_is_repeated_with_the_same_token() -> None:
    async with scene(answer_timeout=0.05) as s:
        s.engine.script = lambda _: None if len(s.engine.of(ClaimTask)) < 2 else ""
        await s.engine.offer(task(claim=True))
        (offer,) = await s.poll()
        first, second = s.engine.of(ClaimTask)
        assert first.command == second.command
        assert first.command.token == offer.token  # type: ignore[union-attr]


async def test_heartbeats_of_claimed_tasks_reach_the_engine_but_not_all_of_them() -> None:
    async with scene() as s:
        await s.engine.offer(one := task(claim=True, timeout=300.0, heartbeat=20.0))
        (offer,) = await s.poll()
        for _ in range(8):
            s.clock.forward(5)
            until_ = await s.feed.heartbeat(one.id, offer.token)
        assert len(s.engine.of(HeartbeatTask)) == 4
        assert until_ == NOON + timedelta(seconds=100)
        s.engine.script = lambda _: "TASK_NOT_OPEN"
        s.clock.forward(20)
        with pytest.raises(Rejected, match="TASK_NOT_OPEN"):
            await s.feed.heartbeat(one.id, offer.token)


async def test_a_withdrawn_task_is_not_handed_out_and_its_worker_is_told_to_stop() -> None:
    async with scene() as s:
        held, waiting = task(), task()
        await s.engine.offer(held)
        await s.engine.offer(waiting)
        (offer,) = await s.poll()
        for each in (held, waiting):
            withdrawn = TaskWithdrawn(task_id=each.id, execution_id=each.execution_id)
            await s.log.send([Batch(TASKS_CONTROL, 0, [Message(b"", encode_record(withdrawn))])])
        await s.committed(2)
        assert await s.poll(wait=0.0) == []
        with pytest.raises(Rejected, match="TASK_NOT_OPEN"):
            await s.feed.heartbeat(held.id, offer.token)


async def test_a_released_task_goes_to_the_next_worker_at_once() -> None:
    async with scene() as s:
        await s.engine.offer(one := task())
        (offer,) = await s.poll("w1")
        waiting = asyncio.create_task(s.poll("w2"))
        await asyncio.sleep(0)
        await s.feed.release(one.id, offer.token)
        assert [given.task for given in await waiting] == [one]


async def test_a_poll_that_is_given_up_loses_no_task() -> None:
    async with scene() as s:
        given_up = asyncio.create_task(s.poll("w1"))
        await asyncio.sleep(0.01)
        await s.engine.offer(one := task())
        given_up.cancel()
        await asyncio.wait({given_up})
        assert [offer.task for offer in await s.poll("w2")] == [one]


async def test_no_more_offers_are_kept_in_memory_than_allowed() -> None:
    async with scene(max_offers=10) as s:
        tasks = [task() for _ in range(35)]
        for each in tasks:
            await s.engine.offer(each)
        (queue,) = s.feed.queues
        await until(lambda: queue.leases.waiting == 10)
        got: list[Any] = []
        while len(got) < 35:
            offers = await s.poll(limit=4)
            assert queue.leases.waiting <= 10
            got += offers
        assert [offer.task for offer in got] == tasks


async def test_after_a_restart_only_what_was_not_finished_is_offered_again() -> None:
    log = MemoryLog()
    done, open_ = task(), task()
    async with scene(log) as s:
        await s.engine.offer(done)
        await s.engine.offer(open_)
        (first,), (_,) = await s.poll(), await s.poll()
        await s.feed.complete(done.id, first.token, 1, "w1")
    async with scene(log) as s:
        assert [offer.task for offer in await s.poll(limit=5)] == [open_]


async def test_a_result_that_came_through_another_gateway_ends_the_lease_here() -> None:
    async with scene() as s:
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        other = Commander(s.log, 1)
        listening = asyncio.create_task(other.run())
        feed = TaskFeed(s.log, other, clock=s.clock)
        await feed.complete(one.id, offer.token, 1, "w1")
        await s.committed(1)
        listening.cancel()


async def test_garbage_on_a_task_topic_is_put_aside_and_blocks_nothing() -> None:
    async with scene() as s:
        await s.log.send([Batch(PLACE.topic, 0, [Message(b"k", b"not a task")])])
        await s.engine.offer(one := task())
        (offer,) = await s.poll()
        await s.feed.complete(one.id, offer.token, 1, "w1")
        await s.committed(2)
        assert await s.log.end(TopicPartition(f"{PLACE.topic}.dlq", 0)) == 1


async def test_a_queue_of_the_log_is_refused_by_name() -> None:
    log = MemoryLog()
    await log.apply(product_topics(1))
    feed = TaskFeed(log, Commander(log, 1))
    with pytest.raises(Rejected, match="QUEUE_TRANSPORT_CONFLICT"):
        await feed.poll(DEFAULT_QUEUE, "w", None, 1, 0.0)
