"""The SQLite log and the log in memory, given the same random work, always tell the same story."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.contract.logs import marks, spec

from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Cleanup, Fenced, Log, Message, Ownership, Reader, Record, TopicPartition
from penstock.log.sqlite import SqliteLog

pytestmark = pytest.mark.anyio

SOURCE = TopicPartition("one", 0)
SPECS = [spec("one", 2), spec("two"), spec("compact", cleanup=Cleanup.COMPACT)]
PARTITIONS = [TopicPartition(topic.name, number) for topic in SPECS for number in range(topic.partitions)]


@pytest.mark.parametrize("seed", range(12))
async def test_both_tell_the_same_story(seed: int, tmp_path: Path) -> None:
    chance, now = Random(seed), [1000]

    async def open_sqlite() -> SqliteLog:
        return await SqliteLog.open(tmp_path / "log.db", clock=lambda: now[0])

    memory, sqlite, other = MemoryLog(clock=lambda: now[0]), await open_sqlite(), await open_sqlite()
    await memory.apply(SPECS)
    await sqlite.apply(SPECS)
    owners: list[tuple[Ownership, Ownership]] = []
    readers = [(await memory.reader({key: 0}), await sqlite.reader({key: 0})) for key in PARTITIONS]
    for _ in range(150):
        now[0] += chance.randrange(3)
        match chance.randrange(8):
            case 0 | 1:
                batches = _batches(chance)
                assert await memory.send(batches) == await sqlite.send(batches)
            case 2:  # by what is another process to the file
                batches = _batches(chance)
                assert await memory.send(batches) == await other.send(batches)
            case 3:
                taker = chance.choice([sqlite, other])
                owners.append((await memory.take(SOURCE, marks("two")), await taker.take(SOURCE, marks("two"))))
                assert owners[-1][0].epoch == owners[-1][1].epoch
            case 4 | 5 if owners:
                batches = _batches(chance)
                pair = chance.choice(owners[-2:])
                assert [await _commit(owner, batches) for owner in pair[:1]] == [
                    await _commit(owner, batches) for owner in pair[1:]
                ]
            case 6:
                key, (left, right) = chance.choice(list(zip(PARTITIONS, readers, strict=True)))
                position = chance.randrange(await memory.end(key) + 1)
                left.seek(key, position)
                right.seek(key, position)
            case _:
                index = chance.randrange(len(PARTITIONS))
                await _read_alike(PARTITIONS[index], readers[index], chance.choice([1, 7, 1000]))
    for key in PARTITIONS:
        assert await _all(memory, key) == await _all(sqlite, key) == await _all(other, key)
        assert await memory.end(key) == await sqlite.end(key)
        assert await memory.first(key) == await other.first(key)
    await sqlite.close()
    await other.close()
    again = await open_sqlite()
    for key in PARTITIONS:
        assert await _all(memory, key) == await _all(again, key)
    await again.close()


def _batches(chance: Random) -> list[Batch]:
    return [
        Batch(
            *key,
            [
                Message(b"key %d" % chance.randrange(20), chance.randbytes(chance.randrange(400)))
                for _ in range(chance.choice([1, 2, 3, 300, 700]))
            ],
        )
        for key in chance.sample(PARTITIONS, chance.randrange(1, len(PARTITIONS) + 1))
    ]


async def _commit(owner: Ownership, batches: list[Batch]) -> object:
    try:
        return await owner.commit(batches)
    except Fenced:
        return "fenced"


async def _read_alike(key: TopicPartition, readers: tuple[Reader, Reader], limit: int) -> None:
    """Compaction happens when it likes; everywhere else the same records come, though perhaps not as many at once."""
    if key.topic == "compact":
        return
    left, right = readers
    found = await right.read(limit)
    for record in found:
        assert [record] == list(await left.read(1))
    assert found or not await left.read(1)
    assert left.position(key) == right.position(key)


async def _all(log: Log, key: TopicPartition) -> list[Record]:
    found: list[Record] = []
    async with await log.reader({key: 0}) as reader:
        while part := await reader.read(limit=333):
            found += part
    return found
