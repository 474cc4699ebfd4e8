"""Where the log of one contract test lives: how to open it, again and again, as other processes would."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Log, Mark, Message, Reader, Record, TopicPartition, TopicSpec
from penstock.log.sqlite import SqliteLog

SURVIVING = ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)]
"""The logs that outlive their process; memory does not."""

PATIENCE = 30.0
"""Seconds after which something that was promised counts as not having happened."""


class Home:
    """A fresh log. Every ``open`` but memory's is a handle of its own, with nothing shared but the log itself."""

    def __init__(self, kind: str, opener: Callable[[], Awaitable[Log]]) -> None:
        self.kind = kind
        self.group = f"group-{uuid.uuid4().hex[:10]}"
        self._opener = opener
        self._opened: list[Log] = []

    async def open(self, *specs: TopicSpec) -> Log:
        log = await self._opener()
        self._opened.append(log)
        if specs:
            await log.apply(specs)
        return log

    async def close(self) -> None:
        for log in self._opened:
            await log.close()


def home_of(kind: str, folder: Path, kafka: Callable[[], str]) -> Home:
    if kind == "memory":
        memory = MemoryLog()

        async def open_memory() -> Log:
            return memory

        return Home(kind, open_memory)
    if kind == "sqlite":

        async def open_sqlite() -> Log:
            return await SqliteLog.open(folder / "log.db")

        return Home(kind, open_sqlite)
    bootstrap, prefix = kafka(), f"contract-{uuid.uuid4().hex[:10]}"

    async def open_kafka() -> Log:
        from penstock.log.kafka import KafkaLog

        return await KafkaLog.open(bootstrap, prefix=prefix)

    return Home(kind, open_kafka)


def spec(name: str, partitions: int = 1, **settings: object) -> TopicSpec:
    return TopicSpec(name, partitions, **{"retention": None, **settings})  # type: ignore[arg-type]


def batch(topic: str, *values: bytes, partition: int = 0) -> Batch:
    return Batch(topic, partition, [Message(b"key", value) for value in values])


def marks(topic: str, partition: int = 0) -> Mark:
    """Marks that tell owner and turn."""
    return lambda epoch, turn: batch(topic, b"mark %d/%d" % (epoch, turn), partition=partition)


async def collect(reader: Reader, count: int) -> list[Record]:
    """The next ``count`` records (or more, where the last read gave them)."""
    records: list[Record] = []
    while len(records) < count:
        found = await reader.read(wait=PATIENCE)
        assert found, f"expected {count} records within {PATIENCE} s, but got {values(records)}"
        records += found
    return records


async def everything(log: Log, topic: str, partition: int = 0) -> list[bytes | None]:
    """
    The values of all committed records.

    A last record is sent and waited for, so that nothing which still was under way can be missed.
    """
    fence = b"end %s" % uuid.uuid4().bytes
    await log.send([batch(topic, fence, partition=partition)])
    found: list[Record] = []
    async with await log.reader({TopicPartition(topic, partition): 0}) as reader:
        while not found or found[-1].value != fence:
            found += await collect(reader, 1)
    return [value for value in values(found) if value is None or not value.startswith((b"end ", b"mark "))]


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]


def by_topic(records: Sequence[Record]) -> Mapping[str, list[bytes | None]]:
    found: dict[str, list[bytes | None]] = {}
    for record in records:
        found.setdefault(record.topic, []).append(record.value)
    return found
