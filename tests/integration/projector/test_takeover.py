"""Several projectors: they share the work, take over from one another, and a stale one changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.port import Record, TopicPartition
from penstock.log.topics import product_topics
from penstock.projections import executions
from penstock.projections.sets import READ_SETS
from penstock.projector.applier import Applier, Counts, Reached
from penstock.projector.store import Stale, Store
from penstock.runtime.clock import system_clock
from penstock.tables.pool import Pool
from tests.integration.projector.following import applied, count, counted, following, running, until
from tests.projections.story import batch, w3

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

EVENTS_0 = TopicPartition("events", 0)


@pytest.fixture
async def log() -> MemoryLog:
    made = MemoryLog()
    await made.apply(product_topics(2))
    return made


async def applier(log: MemoryLog, pool: Pool) -> Applier:
    store = Store(pool, READ_SETS)
    await store.prepare(await log.topics(), system_clock())
    made = Applier(store, system_clock, Counts())
    await made.resume([EVENTS_0])
    return made


async def records(log: MemoryLog, start: int, limit: int) -> list[Record]:
    async with await log.reader({EVENTS_0: start}) as reader:
        return list(await reader.read(limit))


async def test_two_projectors_share_the_partitions(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool) as one, running(log, pool) as other:
        await log.send([batch(w3("a", input_position=1)), batch(w3("b", input_position=1), partition=1)])
        await applied(pool, 1)
        await applied(pool, 1, partition=1)
        await until(counted(one, 8))
        await until(counted(other, 8))


async def test_a_second_projector_takes_over_where_the_first_one_was(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1)), batch(w3("b", input_position=1), partition=1)])
    async with running(log, pool) as other:
        async with running(log, pool):
            await applied(pool, 1)
            await applied(pool, 1, partition=1)
        await log.send([batch(w3("c", input_position=2)), batch(w3("d", input_position=2), partition=1)])
        await applied(pool, 2)
        await applied(pool, 2, partition=1)
        await until(following(other))
    assert await executions.count_by_status(pool) == {"completed": 4}
    assert await count(pool, "execution_timeline") == 32


async def test_a_stale_projector_changes_nothing_and_reads_again(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1)), batch(w3("b", input_position=2), partition=1)])
    one, stale = await applier(log, pool), await applier(log, pool)
    await one.apply(await records(log, 0, 5), {EVENTS_0: Reached(5)})
    with pytest.raises(Stale):
        await stale.apply(await records(log, 0, 8), {EVENTS_0: Reached(8, ended=True)})
    assert await count(pool, "execution_timeline") == 5
    row = await executions.get(pool, "a")
    assert row
    assert (row["status"], row["sequence"]) == ("running", 5)
    await stale.resume([EVENTS_0])
    assert stale.progress[EVENTS_0].position == 5
    await stale.apply(await records(log, 5, 8), {EVENTS_0: Reached(8, ended=True)})
    assert await executions.count_by_status(pool) == {"completed": 1}


async def test_a_batch_that_was_applied_already_is_stale(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1))])
    one, again = await applier(log, pool), await applier(log, pool)
    read = await records(log, 0, 8)
    await one.apply(read, {EVENTS_0: Reached(8, ended=True)})
    with pytest.raises(Stale):
        await again.apply(read, {EVENTS_0: Reached(8, ended=True)})


async def test_a_line_that_is_there_already_does_not_stop_the_projector(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1))])
    one = await applier(log, pool)
    await one.apply(await records(log, 0, 8), {EVENTS_0: Reached(8, ended=True)})
    async with pool.connection() as connection:
        await connection.execute("update projector_positions set position = 0")
    await one.resume([EVENTS_0])
    await one.apply(await records(log, 0, 8), {EVENTS_0: Reached(8, ended=True)})
    assert await count(pool, "execution_timeline") == 8
    assert await executions.count_by_status(pool) == {"completed": 1}


async def test_two_projectors_that_both_believe_to_serve_a_partition_do_no_harm(log: MemoryLog, pool: Pool) -> None:
    """As after a time-out: each is the only member of a group of its own."""
    async with running(log, pool, group="one") as one, running(log, pool, group="two") as two:
        for number in range(40):
            await log.send([batch(w3(f"x{number}", input_position=number))])
            await asyncio.sleep(0)
        await applied(pool, 39)
    assert await count(pool, "execution_timeline") == 320
    assert await executions.count_by_status(pool) == {"completed": 40}
    assert one.counts.events + two.counts.events <= 320
