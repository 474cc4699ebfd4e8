"""Tables are rebuilt from the log: to prove the live ones, to replace them, or because their shape changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.port import TopicPartition
from penstock.log.topics import product_topics
from penstock.projections import definitions, executions, positions
from penstock.projections.read_model import ReadModel, ReadSet
from penstock.projections.sets import CATALOG, EVENTS
from penstock.projector import generations, rebuild
from penstock.projector.applier import Applier, Counts, Reached
from penstock.projector.rebuild import NothingServes
from penstock.projector.store import Store
from penstock.runtime.clock import system_clock
from penstock.tables.pool import Pool, open_pool
from penstock.tables.shape import Column
from tests.integration.projector.following import applied, count, counted, exists, running, until
from tests.projections.story import batch, published, recorded, scheduled, started, w3

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

WIDER = ReadSet(
    EVENTS.topic,
    (
        ReadModel(
            replace(executions.TABLE, columns=(*executions.TABLE.columns, Column("mood", "text"))), executions.project
        ),
        *EVENTS.models[1:],
    ),
)


@pytest.fixture
async def log() -> MemoryLog:
    made = MemoryLog()
    await made.apply(product_topics(2))
    for number in range(30):
        await made.send([batch(w3(f"x{number}", input_position=number), partition=number % 2)])
    await made.send(
        [batch([recorded(started(), subject="open"), recorded(scheduled(1), 2, "open", input_position=40)])]
    )
    await made.send([batch([recorded(published("w3"), subject="w3", input_position=1)], topic="catalog")])
    return made


async def follow(log: MemoryLog, pool: Pool, position: int = 40) -> None:
    async with running(log, pool):
        await applied(pool, position)
        await applied(pool, 29, partition=1)
        await applied(pool, 1, topic="catalog")


async def tables(pool: Pool) -> set[str]:
    rows = await pool.fetch("select tablename from pg_tables where schemaname = $1", pool.schema)
    return {row["tablename"] for row in rows}


async def serving(pool: Pool) -> str:
    return str(await pool.fetchval("select generation from projector_generations where topic = 'events'"))


async def test_a_rebuild_is_row_by_row_equal(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    before = await tables(pool)
    comparison = await rebuild.compare(log, pool)
    assert comparison.differences == []
    assert comparison.rows == {
        "executions": 31,
        "tasks": 91,
        "execution_timeline": 242,
        "definitions": 1,
        "definition_drafts": 0,
        "schedules": 0,
        "operations": 0,
        "operation_refusals": 0,
    }
    assert comparison.events == 243
    assert await tables(pool) == before


async def test_every_difference_is_found_and_named(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    async with pool.connection() as connection:
        await connection.execute("update executions set status = 'lost' where id = 'x7'")
        await connection.execute("delete from tasks where execution_id = 'x8' and visit = 2")
        await connection.execute(
            f"insert into execution_timeline_{EVENTS.digest} (execution_id, sequence, id, type, time, data, "
            "partition, position) select 'zz', 1, 'zz/1', type, time, data, 0, 0 from execution_timeline limit 1"
        )
    found = (await rebuild.compare(log, pool)).differences
    assert [(d.table, d.key, d.columns) for d in found] == [
        ("executions", ("x7",), ("status",)),
        ("tasks", ("x8", 2, 1), ()),
        ("execution_timeline", ("zz", 1), ()),
    ]
    assert found[0].live
    assert found[0].rebuilt
    assert (found[0].live["status"], found[0].rebuilt["status"]) == ("lost", "completed")
    assert found[1].live is None
    assert found[2].rebuilt is None


async def test_a_comparison_holds_while_the_projector_goes_on(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool):
        await applied(pool, 40)
        await applied(pool, 29, partition=1)
        for number in range(41, 60):
            await log.send([batch(w3(f"y{number}", input_position=number))])
        assert (await rebuild.compare(log, pool)).differences == []
        await applied(pool, 59)


async def test_without_tables_there_is_nothing_to_compare(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    with pytest.raises(NothingServes):
        await rebuild.compare(log, pool, sets=(WIDER,))


async def test_a_swap_puts_the_rebuilt_tables_in_the_place_of_broken_ones(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool):
        await applied(pool, 40)
        await applied(pool, 29, partition=1)
        await applied(pool, 1, topic="catalog")
        async with pool.connection() as connection:
            await connection.execute("update executions set status = 'lost'")
            await connection.execute("delete from tasks")
        before = await tables(pool)
        assert await rebuild.swap(log, pool) == 243
        assert await tables(pool) == before
        assert await executions.count_by_status(pool) == {"completed": 30, "running": 1}
        assert await count(pool, "tasks") == 91
        await log.send([batch(w3("later", input_position=41))])
        await applied(pool, 41)
    assert (await rebuild.compare(log, pool)).differences == []
    assert await rebuild.swap(log, pool) == 251
    assert (await rebuild.compare(log, pool)).differences == []


async def test_a_swap_takes_no_token_back(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    before = await positions.standings(pool)
    await rebuild.swap(log, pool)
    assert sorted(await positions.standings(pool)) == sorted(before)
    assert await pool.fetchval("select count(distinct generation) from projector_positions") == 2


async def test_a_changed_shape_is_filled_beside_the_old_one_and_then_serves(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool):
        await applied(pool, 40)
        assert await serving(pool) == EVENTS.digest
        async with running(log, pool, sets=(WIDER, CATALOG)):
            await until(lambda: turned(pool))
            assert await executions.count_by_status(pool) == {"completed": 30, "running": 1}
            await log.send([batch(w3("later", input_position=41))])
            await applied(pool, 41)
            assert await executions.get(pool, "later")
        old = f"executions_{EVENTS.digest}"
        await until(lambda: has(pool, old, "later"))  # the release before still follows, for a way back
    assert await definitions.get(pool, "w3")


async def test_tables_that_have_not_come_as_far_do_not_serve(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    store = Store(pool, (WIDER,))
    await store.prepare(await log.topics(), system_clock())
    keys = [TopicPartition("events", 0), TopicPartition("events", 1)]
    applier = Applier(store, system_clock, Counts())
    await applier.resume(keys)
    async with await log.reader(dict.fromkeys(keys, 0)) as reader:
        while True:
            records = await reader.read(30)
            reached = {key: Reached(reader.position(key), not records, system_clock()) for key in keys}
            await applier.apply(records, reached)
            if not records:
                break
            assert not await generations.adopt(pool, WIDER, system_clock())
            assert await serving(pool) == EVENTS.digest
    assert await generations.adopt(pool, WIDER, system_clock())
    assert await serving(pool) == WIDER.digest


async def turned(pool: Pool) -> bool:
    return await serving(pool) == WIDER.digest


async def has(pool: Pool, table: str, execution_id: str) -> bool:
    return bool(await pool.fetchval(f"select count(*) from {table} where id = $1", execution_id))


async def test_gateways_read_on_through_a_change_of_shape(log: MemoryLog, pool: Pool, postgres: str) -> None:
    await follow(log, pool)
    gateway = await open_pool(postgres, schema=pool.schema, read_only=True)
    try:
        assert len((await executions.find(gateway)).items) == 31
        async with running(log, pool, sets=(WIDER, CATALOG)):
            seen = [await executions.count_by_status(gateway)]
            while not await turned(pool):
                seen.append(await executions.count_by_status(gateway))
        seen.append(await executions.count_by_status(gateway))
        assert all(counts == {"completed": 30, "running": 1} for counts in seen)
        assert len((await executions.find(gateway)).items) == 31
    finally:
        await gateway.close()


async def test_the_way_back_to_the_release_before_is_open(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    async with running(log, pool, sets=(WIDER, CATALOG)):
        await until(lambda: turned(pool))
    await log.send([batch(w3("later", input_position=41))])
    async with running(log, pool) as projector:
        await until(lambda: back(pool))
        await until(counted(projector, 8))
    assert await executions.get(pool, "later")


async def back(pool: Pool) -> bool:
    return await serving(pool) == EVENTS.digest


async def test_a_table_that_somebody_dropped_is_made_anew_with_its_rows(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    async with pool.connection() as connection:
        await connection.execute(f"drop table tasks_{EVENTS.digest} cascade")
    async with running(log, pool):
        await until(lambda: exists(pool, "tasks"))
        await applied(pool, 40)
        await applied(pool, 29, partition=1)
    assert [await count(pool, table) for table in ("executions", "tasks", "execution_timeline")] == [31, 91, 242]


async def test_tables_that_served_long_ago_are_dropped_at_the_next_turn(log: MemoryLog, pool: Pool) -> None:
    await follow(log, pool)
    async with pool.connection() as connection:
        for label, age in (("0123456789", "2 days"), ("fedcba9876", "2 hours")):
            await connection.execute(f"create table executions_{label} (n integer)")
            await connection.execute(
                "insert into projector_positions (generation, topic, partition, applied_at) "
                f"values ('{label}', 'events', 0, now() - interval '{age}')"
            )
    async with running(log, pool, sets=(WIDER, CATALOG)):
        await until(lambda: turned(pool))
    found = {name for name in await tables(pool) if name.startswith("executions_")}
    assert found == {f"executions_{EVENTS.digest}", f"executions_{WIDER.digest}", "executions_fedcba9876"}
