"""How tasks come from the log and go back to it: nothing is lost, nothing is committed before it is done."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from penstock.domain.execution.commands import CompleteTask, FailTask
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, Message, TopicPartition
from penstock.log.topics import dead_letters, tasks_topic
from penstock.runtime.ids import new_id
from penstock.sdk import TaskContext, TaskWithdrawn, task
from penstock.sdk.task import Handler
from tests.integration.worker.shop import CountingLog, Shop

pytestmark = pytest.mark.anyio
LONG = {"claim": True, "timeout": 60.0}


class Gates:
    """Handlers that wait until a test lets them go on, by number."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self._open: dict[int, asyncio.Event] = {}

    def handler(self) -> Handler:
        @task("wait")
        async def wait(n: int) -> int:
            self.begun.append(n)
            try:
                await self.gate(n).wait()
            except asyncio.CancelledError:
                self.cancelled.append(n)
                raise
            return n

        marked = wait.__penstock_task__  # type: ignore[attr-defined]
        assert isinstance(marked, Handler)
        return marked

    def gate(self, n: int) -> asyncio.Event:
        return self._open.setdefault(n, asyncio.Event())


def numbers(count: int) -> list[dict[str, int]]:
    return [{"n": n} for n in range(count)]


async def test_a_task_that_asks_for_it_is_claimed_before_work_begins(shop: Shop) -> None:
    gates = Gates()
    await shop.open([gates.handler()], identity="w1")
    offered = await shop.offer("wait", {"n": 0}, **LONG)
    await shop.until(lambda: gates.begun == [0])
    (claim,) = shop.claims(offered)
    assert claim.worker == "w1"
    gates.gate(0).set()
    result = await shop.result(offered)
    assert isinstance(result, CompleteTask)
    assert result.token == claim.token


async def test_the_position_never_passes_an_unfinished_task(shop: Shop) -> None:
    gates = Gates()
    worker = await shop.open([gates.handler()])
    offered = await shop.offers("wait", numbers(4))
    await shop.until(lambda: len(gates.begun) == 4)
    for n in (0, 2, 3):
        gates.gate(n).set()
        await shop.result(offered[n])
    while await shop.committed() < 1:
        await shop.look()
    await shop.kill(worker)
    assert await shop.committed() == 1


async def test_the_position_passes_a_claimed_task(shop: Shop) -> None:
    gates = Gates()
    worker = await shop.open([gates.handler()])
    await shop.offer("wait", {"n": 0}, **LONG)
    done = await shop.offer("wait", {"n": 1})
    gates.gate(1).set()
    await shop.result(done)
    async with asyncio.timeout(20):
        while await shop.committed() < 2:
            await shop.look()
    await shop.kill(worker)


async def test_what_a_dead_worker_did_not_finish_is_done_by_another(shop: Shop) -> None:
    gates, others = Gates(), Gates()
    dead = await shop.open([gates.handler()])
    offered = await shop.offers("wait", numbers(5))
    await shop.until(lambda: len(gates.begun) == 5)
    await shop.kill(dead)
    for n in range(5):
        others.gate(n).set()
    await shop.open([others.handler()])
    for one in offered:
        await shop.result(one)
    assert sorted(others.begun) == [0, 1, 2, 3, 4]


async def test_a_worker_that_stops_finishes_what_runs_and_hands_back_the_rest(every_shop: Shop) -> None:
    gates, others = Gates(), Gates()
    worker = await every_shop.open([gates.handler()], concurrency=2)
    offered = await every_shop.offers("wait", numbers(6), execution=new_id())
    await every_shop.until(lambda: len(gates.begun) == 2 and worker.in_hand == 6)
    stopping = asyncio.create_task(every_shop.stop(worker))
    await every_shop.until(lambda: worker.in_hand == 2)
    gates.gate(0).set()
    gates.gate(1).set()
    await stopping
    assert gates.begun == [0, 1]
    for n in range(2, 6):
        others.gate(n).set()
    await every_shop.open([others.handler()])
    for one in offered:
        await every_shop.result(one)
    assert sorted(others.begun) == [2, 3, 4, 5]
    assert all(len(every_shop.results(one)) == 1 for one in offered)


async def test_what_does_not_end_within_the_grace_is_handed_back(shop: Shop) -> None:
    gates, others = Gates(), Gates()
    worker = await shop.open([gates.handler()], grace=0.05)
    short = await shop.offer("wait", {"n": 0})
    claimed = await shop.offer("wait", {"n": 1}, **LONG)
    await shop.until(lambda: len(gates.begun) == 2)
    await shop.stop(worker)
    assert sorted(gates.cancelled) == [0, 1]
    result = await shop.result(claimed)
    assert isinstance(result, FailTask)
    assert (result.failure.code, result.failure.retryable) == ("WORKER_STOPPED", True)
    assert result.token == shop.claims(claimed)[0].token
    for n in (0, 1):
        others.gate(n).set()
    await shop.open([others.handler()])
    await shop.result(short)
    assert 0 in others.begun


async def test_a_sync_handler_that_hangs_does_not_keep_its_worker_from_stopping(shop: Shop) -> None:
    begun, gate = threading.Event(), threading.Event()

    @task
    def hang() -> None:
        begun.set()
        gate.wait(20)

    worker = await shop.open([hang], grace=0.05)
    offered = await shop.offer("hang")
    await asyncio.to_thread(begun.wait, 10)
    await shop.stop(worker)
    gate.set()
    await shop.look()
    assert shop.results(offered) == []
    assert await shop.committed() == 0


async def test_a_withdrawn_task_is_cancelled_and_reports_nothing(shop: Shop) -> None:
    gates = Gates()
    worker = await shop.open([gates.handler()])
    offered = await shop.offers("wait", numbers(2))
    await shop.until(lambda: len(gates.begun) == 2)
    await shop.withdraw(offered[0])
    await shop.until(lambda: gates.cancelled == [0])
    gates.gate(1).set()
    await shop.result(offered[1])
    await shop.stop(worker)
    assert shop.results(offered[0]) == []
    assert await shop.committed() == 2


async def test_a_withdrawn_sync_handler_is_told_by_its_flag_and_reports_nothing(shop: Shop) -> None:
    told, begun = [], threading.Event()

    @task
    def wait(context: TaskContext) -> str:
        begun.set()
        told.append(context.cancelled.wait(10))
        try:
            context.heartbeat_sync()
        except TaskWithdrawn:
            told.append(True)
        return "nobody wants it"

    worker = await shop.open([wait])
    offered = await shop.offer("wait")
    await asyncio.to_thread(begun.wait, 10)
    await shop.withdraw(offered)
    await shop.until(lambda: worker.in_hand == 0)
    assert told == [True, True]
    await shop.stop(worker)
    assert shop.results(offered) == []


async def test_a_task_that_was_withdrawn_before_it_came_never_begins(shop: Shop) -> None:
    gates = Gates()
    offered = await shop.offers("wait", numbers(2))
    await shop.withdraw(offered[0])
    gates.gate(1).set()
    worker = await shop.open([gates.handler()])
    await shop.result(offered[1])
    await shop.stop(worker)
    assert gates.begun == [1]
    assert await shop.committed() == 2


async def test_a_withdrawn_task_that_waits_for_its_turn_never_begins(shop: Shop) -> None:
    gates = Gates()
    worker = await shop.open([gates.handler()], concurrency=1)
    offered = await shop.offers("wait", numbers(3))
    await shop.until(lambda: worker.in_hand == 3)
    await shop.withdraw(offered[1])
    await shop.withdraw(offered[0])
    gates.gate(2).set()
    await shop.result(offered[2])
    await shop.stop(worker)
    assert (gates.begun, gates.cancelled) == ([0, 2], [0])


async def test_a_task_past_its_latest_start_never_begins(shop: Shop) -> None:
    gates = Gates()
    for n in (0, 1):
        gates.gate(n).set()
    past = datetime.now(UTC) - timedelta(seconds=1)
    late = await shop.offer("wait", {"n": 0}, start_by=past, **LONG)
    good = await shop.offer("wait", {"n": 1}, start_by=past + timedelta(hours=1), **LONG)
    worker = await shop.open([gates.handler()])
    await shop.result(good)
    await shop.stop(worker)
    assert gates.begun == [1]
    assert shop.of(late) == []


async def test_a_handler_with_a_heartbeat_shows_that_it_lives(shop: Shop) -> None:
    gates = Gates()
    await shop.open([gates.handler()])
    offered = await shop.offer("wait", {"n": 0}, heartbeat=0.06, **LONG)
    await shop.until(lambda: len(shop.beats(offered)) >= 3)
    gates.gate(0).set()
    result = await shop.result(offered)
    assert {beat.token for beat in shop.beats(offered)} == {result.token}
    count = len(shop.beats(offered))
    later = await shop.offer("wait", {"n": 1}, heartbeat=0.06, **LONG)
    await shop.until(lambda: len(shop.beats(later)) >= 5)
    assert len(shop.beats(offered)) == count
    gates.gate(1).set()
    await shop.result(later)


async def test_a_heartbeat_can_be_sent_by_hand_from_async_and_sync_handlers(shop: Shop) -> None:
    @task("by-loop")
    async def by_loop(context: TaskContext) -> None:
        await context.heartbeat()

    @task("by-thread")
    def by_thread(context: TaskContext) -> None:
        context.heartbeat_sync()

    await shop.open([by_loop, by_thread])
    for kind in ("by-loop", "by-thread"):
        offered = await shop.offer(kind, heartbeat=60.0, **LONG)
        assert isinstance(await shop.result(offered), CompleteTask)
        assert len(shop.beats(offered)) == 1


async def test_a_handler_with_a_heartbeat_and_no_limit_of_its_own_may_take_its_time(shop: Shop) -> None:
    seen: list[TaskContext] = []

    @task
    async def look(context: TaskContext) -> None:
        seen.append(context)

    await shop.open([look])
    await shop.result(await shop.offer("look", heartbeat=5.0, timeout=None, claim=True))
    assert seen[0].deadline is None


async def test_what_is_no_task_goes_to_the_dead_letters_and_blocks_nothing(every_shop: Shop) -> None:
    gates = Gates()
    gates.gate(0).set()
    topic = tasks_topic("default")
    poison = Message(b"key", b'{"id": 7}', (("h", b"v"),))
    sent = await every_shop.log.send([Batch(topic, 2, [poison])])
    worker = await every_shop.open([gates.handler()])
    await every_shop.result(await every_shop.offer("wait", {"n": 0}))
    async with await every_shop.log.reader({TopicPartition(dead_letters(topic), 2): 0}) as reader:
        records = await reader.read(wait=20)
    assert [(r.key, r.value) for r in records] == [(b"key", b'{"id": 7}')]
    headers = dict(records[0].headers)
    assert headers["origin"] == f"{topic}/2/{sent[TopicPartition(topic, 2)]}".encode()
    assert headers["cause"].startswith(b"MALFORMED: expected a task record")
    assert (headers["attempt"], headers["h"]) == (b"1", b"v")
    await every_shop.stop(worker)


async def test_a_second_worker_gets_its_share_and_nothing_runs_twice(shop: Shop) -> None:
    gates, others = Gates(), Gates()
    first = await shop.open([gates.handler()], concurrency=2)
    offered = await shop.offers("wait", numbers(6), execution=new_id())
    await shop.until(lambda: len(gates.begun) == 2)
    for n in range(6):
        gates.gate(n).set()
        others.gate(n).set()
    await shop.open([others.handler()], concurrency=2)
    for one in offered:
        await shop.result(one)
    await shop.stop(first)
    assert sorted(gates.begun + others.begun) == [0, 1, 2, 3, 4, 5]


async def test_a_task_that_outlasts_a_rebalance_and_comes_back_is_not_begun_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.sdk.log_channel.PATIENCE", 0.05)
    gates = Gates()
    first = await shop.open([gates.handler()])
    offered = await shop.offer("wait", {"n": 0})
    await shop.until(lambda: gates.begun == [0])
    second = await shop.open([gates.handler()])  # every partition is taken away for a moment, and this one comes back
    await shop.stop(second)
    gates.gate(0).set()
    await shop.result(offered)
    await shop.stop(first)
    assert gates.begun == [0]
    assert await shop.committed() == 1


async def test_results_are_sent_again_until_the_log_takes_them(shop: Shop) -> None:
    assert isinstance(shop.log, CountingLog)
    gates = Gates()
    gates.gate(0).set()
    await shop.open([gates.handler()])
    shop.log.faults.sends.extend([Fault.NONE, Fault.LOST, Fault.DOUBTFUL])
    offered = await shop.offer("wait", {"n": 0})
    await shop.until(lambda: len(shop.results(offered)) == 2)
    assert gates.begun == [0]


async def test_workers_come_and_go_and_every_task_is_done(every_shop: Shop) -> None:
    done: list[int] = []

    @task("note", inline=True)
    def note(n: int) -> None:
        done.append(n)

    offered = await every_shop.offers("note", numbers(100))
    first = await every_shop.open([note])
    second = await every_shop.open([note])
    offered += await every_shop.offers("note", numbers(100))
    await every_shop.stop(first)
    offered += await every_shop.offers("note", numbers(100))
    for one in offered:
        await every_shop.result(one)
    await every_shop.stop(second)
    assert len(done) <= 310  # at least once, and hardly ever more
