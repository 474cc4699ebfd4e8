"""The SQLite log's writing thread: shared transactions, refusals among them, trouble with the file, retention."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest
from tests.contract.logs import batch, collect, everything, marks, spec

from penstock.log.port import Batch, Cleanup, Fenced, LogError, LogUnavailable, Message, TopicMissing, TopicPartition
from penstock.log.sqlite import SqliteLog
from penstock.log.sqlite_store import Store
from penstock.log.sqlite_sweep import DEAD_FOR

pytestmark = pytest.mark.anyio

ONE = TopicPartition("one", 0)


async def test_writes_that_wait_together_share_their_transactions(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one")])
    before = log.transactions
    await asyncio.gather(*(log.send([batch("one", b"%d" % number)]) for number in range(1000)))
    assert log.transactions - before < 50
    assert len(await everything(log, "one")) == 1000
    await log.close()


async def test_a_refused_write_does_not_hurt_those_that_share_its_transaction(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one")])
    old = await log.take(ONE, marks("one"))
    new = await log.take(ONE, marks("one"))
    before = log.transactions
    outcomes = await asyncio.gather(
        log.send([batch("one", b"a")]),
        old.commit([batch("one", b"zombie")]),
        log.send([batch("one", b"half"), batch("missing", b"half")]),
        log.send([batch("one", b"beyond", partition=7)]),
        new.commit([batch("one", b"b")]),
        log.send([batch("one", b"c")]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [dict, Fenced, TopicMissing, LogError, dict, dict]
    assert log.transactions - before <= 2  # the first may have gone alone, before the others were there
    assert await everything(log, "one") == [b"a", b"b", b"c"]
    await log.close()


async def test_a_file_that_is_locked_is_unavailable_and_serves_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.log.sqlite_file.BUSY_SECONDS", 0.05)
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one")])
    owner = await log.take(ONE, marks("one"))
    holder = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable, match="locked"):
        await log.send([batch("one", b"a")])
    with pytest.raises(LogUnavailable):
        await owner.commit([batch("one", b"b")])
    holder.execute("ROLLBACK")
    holder.close()
    with pytest.raises(Fenced):
        await owner.commit([batch("one", b"c")])
    await (await log.take(ONE, marks("one"))).commit([batch("one", b"d")])
    assert await everything(log, "one") == [b"d"]
    await log.close()


async def test_a_full_disk_is_unavailable_and_leaves_nothing_in_part(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one"), spec("two")])

    def limit(pages: int, store: Store) -> None:
        store._connection.execute(f"PRAGMA max_page_count = {pages}")

    await log._writer.do(partial(limit, 40), writes=False)
    with pytest.raises(LogUnavailable, match="full"):
        await log.send([batch("one", b"small"), batch("two", bytes(500_000))])
    await log._writer.do(partial(limit, 1_000_000), writes=False)
    assert (await log.send([batch("one", b"later")]))[ONE] == 0
    assert await everything(log, "one") == [b"later"]
    assert await everything(log, "two") == []
    await log.close()


async def test_what_was_asked_for_before_close_is_done_and_later_calls_are_refused(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one")])
    reader = await log.reader({ONE: 0})
    waiting = asyncio.ensure_future(reader.read(wait=60))
    sends = [asyncio.ensure_future(log.send([batch("one", b"%d" % number)])) for number in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(log.close(), log.close())
    assert [(await send)[ONE] for send in sends] == list(range(20))
    await asyncio.gather(waiting, return_exceptions=True)
    for call in (log.send([batch("one", b"late")]), log.end(ONE), reader.read(), log.topics()):
        async with asyncio.timeout(5):
            with pytest.raises(LogUnavailable):
                await call


async def test_a_commit_spans_chunks_and_is_read_from_every_position(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.db")
    await log.apply([spec("one")])
    written = [b"%d" % number + bytes(number % 3000) for number in range(1300)]
    await log.send([batch("one", *written[:1200])])
    await log.send([batch("one", *written[1200:])])
    await log.close()
    log = await SqliteLog.open(tmp_path / "log.db")
    for start in (0, 1, 499, 500, 501, 777, 1199, 1200, 1299):
        async with await log.reader({ONE: start}) as reader:
            found = await collect(reader, 1300 - start)
        assert [record.position for record in found] == list(range(start, 1300))
        assert [record.value for record in found] == written[start:]
    await log.close()


async def test_finite_topics_forget_and_others_do_not(tmp_path: Path) -> None:
    now = 0
    log = await SqliteLog.open(tmp_path / "log.db", clock=lambda: now)
    await log.apply([spec("short", retention=60), spec("events")])
    short, events = TopicPartition("short", 0), TopicPartition("events", 0)
    for now in range(0, 300_000, 1_000):
        await log.send([batch("short", b"%d" % now), batch("events", b"%d" % now)])
    assert await log.first(events) == 0
    assert len(await everything(log, "events")) == 300
    # Kept: what is younger than the retention; gone: what is older, but for the pause between two sweeps.
    assert 220 <= await log.first(short) <= 240
    other = await SqliteLog.open(tmp_path / "log.db")
    async with await other.reader({short: 0}) as reader:
        found = await collect(reader, 1)
    assert found[0].position == await other.first(short) == await log.first(short)
    await other.close()
    now += 10_000_000
    await log.send([batch("short", b"last")])
    await log.send([batch("short", b"very last")])
    assert await log.first(short) >= 300
    assert await log.end(short) == 302
    await log.close()


async def test_tombstones_go_a_day_later_and_what_lives_stays(tmp_path: Path) -> None:
    now = 0
    log = await SqliteLog.open(tmp_path / "log.db", clock=lambda: now)
    await log.apply([spec("compact", cleanup=Cleanup.COMPACT)])
    compact = TopicPartition("compact", 0)

    async def write(key: bytes, value: bytes | None) -> None:
        await log.send([Batch("compact", 0, [Message(key, value)])])

    async def kept() -> dict[bytes, bytes | None]:
        async with await log.reader({compact: 0}) as reader:
            return {record.key: record.value for record in await reader.read()}

    await write(b"a", b"1")
    await write(b"b", b"1")
    await write(b"a", None)
    assert await kept() == {b"a": None, b"b": b"1"}
    now = DEAD_FOR - 1
    await write(b"c", b"1")
    assert await kept() == {b"a": None, b"b": b"1", b"c": b"1"}
    now = DEAD_FOR + 60_000
    await write(b"c", b"2")
    assert await kept() == {b"b": b"1", b"c": b"2"}
    assert await log.end(compact) == 5
    await log.close()
