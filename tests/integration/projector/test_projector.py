"""The projector follows the log into the tables: rows and positions together, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256

import msgspec
import pytest

from penstock.catalog.events import DefinitionDeactivated
from penstock.domain.execution import events as e
from penstock.domain.partition import OwnershipTaken, PositionAdvanced
from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Message
from penstock.log.topics import product_topics
from penstock.messages.envelope import Recorded, encode_event
from penstock.messages.registry import Event
from penstock.projections import definitions, execution_timeline, executions, positions, tasks
from penstock.projections.read_model import Place, ReadModel, ReadSet
from penstock.projector.follower import LIMIT
from penstock.projector.service import Projector
from penstock.runtime.clock import system_clock
from penstock.tables.changes import Change
from penstock.tables.pool import Connection, Pool
from tests.integration.projector.following import applied, count, counted, exists, following, running, until
from tests.projections.story import batch, message, published, recorded, scheduled, started, w3

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
async def log() -> MemoryLog:
    made = MemoryLog()
    await made.apply(product_topics(2))
    return made


async def test_events_become_rows(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=3)), batch(w3("b", input_position=5), partition=1)])
    await log.send([batch([recorded(published("w3"), subject="w3", input_position=2)], topic="catalog")])
    async with running(log, pool) as projector:
        await applied(pool, 3)
        await applied(pool, 5, partition=1)
        await applied(pool, 2, topic="catalog")
        await until(counted(projector, 17))
    row = await executions.get(pool, "a")
    assert row
    assert (row["status"], row["output"], row["input"], row["sequence"]) == (
        "completed",
        {"total": 3},
        {"amount": 5},
        8,
    )
    assert [(t["step"], t["status"], t["output"]) for t in await tasks.of_execution(pool, "b")] == [
        ("charge", "completed", {"ok": 1}),
        ("pack", "completed", {"ok": 2}),
        ("ship", "completed", {"ok": 3}),
    ]
    lines = (await execution_timeline.page(pool, "b")).items
    assert [(line["sequence"], line["partition"], line["position"]) for line in lines] == [
        (n, 1, n - 1) for n in range(1, 9)
    ]
    assert lines[1]["data"] == {"visit": 1, "step": "charge", "task": "do-charge", "input": {"n": 1}}
    definition = await definitions.get(pool, "w3")
    assert definition
    assert definition["graph"]["steps"]["a"]["type"] == "route"


async def test_events_that_arrive_while_it_runs_are_followed(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool):
        for number in range(5):
            for place, event in enumerate(w3(f"x{number}"), number * 8):
                await log.send([batch([msgspec.structs.replace(event, input_position=place)])])
            await applied(pool, number * 8 + 7)
            assert await count(pool, "executions") == number + 1
    assert await count(pool, "execution_timeline") == 40


async def test_a_task_that_is_offered_again_keeps_one_row_with_what_was_said_last(log: MemoryLog, pool: Pool) -> None:
    """The engine dispatches an attempt anew before the task topic forgets it."""
    first = [recorded(started()), recorded(scheduled(1, input={"n": 1}), 2)]
    again = [recorded(scheduled(1, input={"n": 2}), 3, input_position=1), *w3("b", input_position=1)]
    async with running(log, pool) as projector:
        await log.send([batch(first)])
        await until(counted(projector, 2))
        await log.send([batch(again)])
        await applied(pool, 1)
        await until(counted(projector, 11))
        assert (projector.counts.refused, projector.counts.unavailable) == (0, 0)
    subject = first[0].subject
    assert [(t["input"], t["sequence"]) for t in await tasks.of_execution(pool, subject)] == [({"n": 2}, 3)]
    assert await count(pool, "tasks") == 4
    assert await count(pool, "execution_timeline") == 11


async def test_lists_in_payloads_stay_lists(log: MemoryLog, pool: Pool) -> None:
    history = [
        recorded(started(tags=("a", "b"), input={"l": [1]})),
        recorded(scheduled(1, input=[1, [2]]), 2),
        recorded(e.TaskCompleted(visit=1, step="charge", attempt=1, output=[]), 3),
        recorded(e.ExecutionCompleted(output=["x", "y"], status="completed"), 4, input_position=1),
    ]
    async with running(log, pool):
        for event in history:
            await log.send([batch([event])])
        await applied(pool, 1)
    row, (task,) = await executions.get(pool, "x1"), await tasks.of_execution(pool, "x1")
    assert row
    assert (row["tags"], row["output"], task["input"], task["output"]) == (["a", "b"], ["x", "y"], [1, [2]], [])


async def test_events_of_the_partition_move_the_position_only(log: MemoryLog, pool: Pool) -> None:
    events = [
        recorded(OwnershipTaken(owner="e", epoch=1, turn=0), 1, "partition/0", input_position=6),
        recorded(PositionAdvanced(), 2, "partition/0", input_position=9),
    ]
    await log.send([batch(events)])
    async with running(log, pool):
        await applied(pool, 9)
    assert [await count(pool, table) for table in ("executions", "tasks", "execution_timeline")] == [0, 0, 0]


async def test_what_is_not_known_is_counted_and_skipped(log: MemoryLog, pool: Pool) -> None:
    good = w3("a", input_position=4)
    future = encode_event(good[1]).replace(b"task_scheduled.v1", b"task_scheduled.v9")
    junk = [Message(b"a", value) for value in (b"junk", b"{}", b"\xff", None, future, future)]
    await log.send([batch(good[:1]), Batch("events", 1, junk)])
    await log.send([batch(good[1:])])
    await log.send([batch(w3("b", input_position=2), partition=1)])
    async with running(log, pool) as projector:
        await applied(pool, 4)
        await applied(pool, 2, partition=1)
        await until(counted(projector, 16))
        assert projector.counts.malformed == 4
        assert projector.counts.unknown == {"penstock.task_scheduled.v9": 2}
    assert await executions.count_by_status(pool) == {"completed": 2}


async def test_a_record_that_the_tables_refuse_is_skipped_alone(log: MemoryLog, pool: Pool) -> None:
    histories = [w3(f"x{n}", input_position=n) for n in range(20)]
    nul, huge = (
        recorded(started(input={"a": "\0"}), subject="nul"),
        recorded(started(input={"a": 2**70}), subject="huge"),
    )
    incompressible = "".join(sha256(bytes([n])).hexdigest() for n in range(200))
    long = recorded(started(incompressible), subject="long")  # more than an index holds
    messages = [message(event) for history in histories for event in history]
    messages[40:40] = [message(nul)]
    messages[90:90] = [message(huge), message(long)]
    await log.send([Batch("events", 0, messages)])
    async with running(log, pool) as projector:
        await applied(pool, 19)
        await until(counted(projector, 160))
        assert projector.counts.refused == 3
    found = {row["id"] for row in await pool.fetch("select id from executions")}
    assert found == {f"x{n}" for n in range(20)}
    assert await count(pool, "execution_timeline") == 160


async def test_it_goes_on_where_the_tables_are(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1))])
    async with running(log, pool):
        await applied(pool, 1)
    await log.send([batch(w3("b", input_position=2))])
    async with running(log, pool) as projector:
        await applied(pool, 2)
        await until(counted(projector, 8))
    assert await count(pool, "execution_timeline") == 16


async def test_kills_lose_nothing_and_repeat_nothing(log: MemoryLog, pool: Pool) -> None:
    """Cancelled at every stage of its work: a cancelled transaction and a killed process look the same to Postgres."""
    total = 60
    for number in range(total):
        await log.send([batch(w3(f"x{number}", input_position=number))])
    for turns in range(0, 200, 9):
        projector = Projector(log, pool, idle=0.05)
        task = asyncio.create_task(projector.run())
        for _ in range(turns):
            await asyncio.sleep(0.0005)  # let it come a little further than the time before
        task.cancel()
        await asyncio.wait({task})
        if await exists(pool):
            lines = await count(pool, "execution_timeline")
            place = await pool.fetchval(
                "select position from applied_positions where topic = 'events' and partition = 0"
            )
            assert lines == (place or 0)
    async with running(log, pool):
        await applied(pool, total - 1)
    assert await executions.count_by_status(pool) == {"completed": total}
    assert [await count(pool, table) for table in ("tasks", "execution_timeline")] == [3 * total, 8 * total]


async def test_a_token_in_the_middle_of_a_commit_waits_for_the_rest_of_it(log: MemoryLog, pool: Pool) -> None:
    """One commit of 300 executions is longer than a batch: no batch before its last may count as its whole effect."""
    history = [event for n in range(300) for event in w3(f"x{n}", input_position=7)]
    assert len(history) > LIMIT
    await log.send([batch(history)])
    seen: list[tuple[int, int]] = []
    async with running(log, pool):
        async with asyncio.timeout(20):
            while not seen or seen[-1][0] < 7:
                if await exists(pool):
                    lines = "(select count(*) from execution_timeline) as lines"
                    where = "where topic = 'events' and partition = 0"
                    row = await pool.fetchrow(f"select input_position, {lines} from applied_positions {where}")
                    seen += [(row["input_position"], row["lines"])] if row else []
                await asyncio.sleep(0)
    assert all(lines == 2400 for position, lines in seen if position >= 7)


async def test_the_age_is_small_at_the_end_and_grows_when_nobody_projects(log: MemoryLog, pool: Pool) -> None:
    await log.send([batch(w3("a", input_position=1))])
    async with running(log, pool) as projector:
        await applied(pool, 1)
        await until(following(projector))
        now = system_clock()
        young = await positions.age(pool, now, "events")
        assert young is not None
        assert young < timedelta(seconds=5)
        assert await positions.age(pool, now, "catalog") is not None
    later = await positions.age(pool, now + timedelta(hours=1), "events")
    assert later is not None
    assert later > timedelta(minutes=59)


async def test_a_defect_of_ours_makes_the_service_fall_and_applies_nothing(log: MemoryLog, pool: Pool) -> None:
    def broken(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
        raise ZeroDivisionError

    await log.send([batch(w3("a", input_position=1))])
    sets = (ReadSet("events", (ReadModel(executions.TABLE, broken),)),)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Projector(log, pool, sets=sets).run(), 20)
    assert await pool.fetchval("select max(position) from projector_positions") == 0


async def test_a_connection_that_is_cut_in_the_middle_loses_nothing(log: MemoryLog, pool: Pool) -> None:
    async with running(log, pool) as projector:
        await log.send([batch(w3("a", input_position=1))])
        await applied(pool, 1)
        for number in range(2, 5):
            async with pool.transaction() as blocking:
                await blocking.execute("lock table projector_positions")
                await log.send([batch(w3(f"x{number}", input_position=number))])
                await until(partial(cut, blocking))
            await applied(pool, number)
        assert projector.counts.unavailable == 3
    assert await count(pool, "execution_timeline") == 32


async def cut(blocking: Connection) -> bool:
    """Whether somebody who waits for ``blocking`` was there to be cut off."""
    waiting = "select distinct pid from pg_locks where not granted"
    sql = f"select pg_terminate_backend(pid) from ({waiting}) w where pg_backend_pid() = any(pg_blocking_pids(pid))"
    return bool(await blocking.fetch(sql))


async def test_a_deactivated_definition_is_shown_as_such(log: MemoryLog, pool: Pool) -> None:
    events = [
        recorded(published("w3", "1.9.0"), 1, "w3"),
        recorded(published("w3", "1.10.0"), 2, "w3", input_position=1),
        recorded(DefinitionDeactivated(version="1.10.0"), 3, "w3", input_position=2),
        recorded(published("aa", "0.1.0", tags=("x",)), 1, "aa", input_position=3),
    ]
    await log.send([batch(events, topic="catalog")])
    async with running(log, pool):
        await applied(pool, 3, topic="catalog")
    assert [(row["version"], row["active"]) for row in await definitions.versions(pool, "w3")] == [
        ("1.10.0", False),
        ("1.9.0", True),
    ]
    latest = await definitions.get(pool, "w3")
    assert latest
    assert latest["version"] == "1.9.0"
    page = await definitions.find(pool, limit=1)
    assert [row["id"] for row in page.items] == ["aa"]
    assert [row["version"] for row in (await definitions.find(pool, cursor=page.cursor)).items] == ["1.10.0"]
    assert [row["id"] for row in (await definitions.find(pool, tag="x")).items] == ["aa"]
    assert [row["version"] for row in (await definitions.find(pool, active=True)).items] == ["0.1.0", "1.9.0"]
