"""The write side of the SQLite file: what one transaction may do, and the checks that belong inside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from penstock.log.admission import require
from penstock.log.ownership import Owner, fenced
from penstock.log.port import Batch, Cleanup, Message, Record, TopicPartition, TopicSpec
from penstock.log.sqlite_chunks import (
    CHUNK_RECORDS,
    ChunkRow,
    chunked,
    encode,
    end_position,
    lane_of,
    write_chunks,
)
from penstock.log.sqlite_sweep import Sweeper


class Topic(NamedTuple):
    id: int
    spec: TopicSpec


Appended: TypeAlias = dict[TopicPartition, Sequence[Record]]
"""The partitions that grew, with what was written to them (nothing for compacted topics)."""


class Store:
    """
    Used by one thread. What it remembers of the file is good until another connection commits something, and that is
    looked at inside each transaction: epochs and positions are therefore checked as of the transaction itself.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._clock = clock
        self._sweeper = Sweeper(connection)
        self._version = -1
        self._topics: dict[str, Topic] = {}
        self._counts: dict[str, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._epochs: dict[TopicPartition, int] = {}
        self._staged: dict[TopicPartition, list[Message]] = {}
        self.foreign = 0  # how often another connection's commit was noticed

    def look(self) -> None:
        """Forget what another connection may have changed."""
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._version:
            self.foreign += 1
            self._version = version
            self._forget()

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self.look()

    def commit(self) -> Appended:
        """Make everything durable and visible."""
        now = self._clock()
        write_chunks(
            self._connection,
            [row for key, messages in self._staged.items() for row in self._rows(key, messages, now)],
        )
        appended = {key: self._settle(key, messages, now) for key, messages in self._staged.items()}
        self._connection.execute("COMMIT")
        self._staged.clear()
        return appended

    def rollback(self) -> None:
        self._staged.clear()
        self._version = -1  # what was remembered may be of what is now undone
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()

    def append(self, batches: Sequence[Batch], owner: Owner | None = None) -> Mapping[TopicPartition, int]:
        """Stage ``batches``, all of them or none. Whatever can refuse them comes before the first is staged."""
        if owner is not None and self._epoch(owner.source) != owner.epoch:
            raise fenced(owner)
        for topic, number, _ in batches:
            require(TopicPartition(topic, number), self._counts)
        firsts: dict[TopicPartition, int] = {}
        for topic, number, messages in batches:
            if messages:
                key = TopicPartition(topic, number)
                staged = self._staged.setdefault(key, [])
                firsts[key] = self._end(key) + len(staged)
                staged += messages
        return firsts

    def take(self, source: TopicPartition) -> Owner:
        require(source, self._counts)
        owner = Owner(source, self._epoch(source) + 1)
        self._connection.execute("INSERT OR REPLACE INTO owners VALUES (?, ?, ?)", (*source, owner.epoch))
        self._epochs[source] = owner.epoch
        return owner

    def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        missing = [spec for spec in specs if spec.name not in self._topics]
        for number, spec in enumerate(missing, len(self._topics) + 1):
            lane_of(number, spec.partitions - 1)  # raises before anything is written
        for spec in missing:
            row = (spec.name, spec.partitions, spec.retention, str(spec.cleanup), spec.append_time)
            self._connection.execute(
                "INSERT INTO topics (name, partitions, retention, cleanup, append_time) VALUES (?, ?, ?, ?, ?)", row
            )
        self._load_topics()
        return [spec.name for spec in missing]

    def topics(self) -> dict[str, Topic]:
        return dict(self._topics)

    def advance(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        rows = [(group, *partition, position) for partition, position in positions.items()]
        self._connection.executemany("INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?)", rows)

    def progress(self, group: str) -> dict[TopicPartition, int]:
        rows = self._connection.execute("SELECT topic, partition, position FROM progress WHERE team = ?", (group,))
        return {TopicPartition(topic, number): position for topic, number, position in rows.fetchall()}

    def _forget(self) -> None:
        self._ends.clear()
        self._epochs.clear()
        self._load_topics()

    def _load_topics(self) -> None:
        self._topics = load_topics(self._connection)
        self._counts = {name: topic.spec.partitions for name, topic in self._topics.items()}

    def _epoch(self, source: TopicPartition) -> int:
        epoch = self._epochs.get(source)
        if epoch is None:
            row = self._connection.execute("SELECT epoch FROM owners WHERE topic = ? AND partition = ?", source)
            epoch = self._epochs[source] = (row.fetchone() or (0,))[0]
        return epoch

    def _end(self, key: TopicPartition) -> int:
        end = self._ends.get(key)
        if end is None:
            end = self._ends[key] = end_position(self._connection, self._lane(key))
        return end

    def _lane(self, key: TopicPartition) -> int:
        return lane_of(self._topics[key.topic].id, key.partition)

    def _rows(self, key: TopicPartition, messages: Sequence[Message], now: int) -> Iterator[ChunkRow]:
        at = self._lane(key) + self._end(key)
        compacted = self._topics[key.topic].spec.cleanup is Cleanup.COMPACT
        for chunk in chunked(messages, 1 if compacted else CHUNK_RECORDS):
            yield at, len(chunk), now, encode(chunk)
            at += len(chunk)

    def _settle(self, key: TopicPartition, messages: Sequence[Message], now: int) -> Sequence[Record]:
        first, spec = self._end(key), self._topics[key.topic].spec
        self._ends[key] = first + len(messages)
        self._sweeper.sweep(spec, self._lane(key), first, messages, now)
        if spec.cleanup is Cleanup.COMPACT:
            return ()
        return [
            Record(key.topic, key.partition, at, message.key, message.value, message.headers, now)
            for at, message in enumerate(messages, first)
        ]


def load_topics(connection: sqlite3.Connection) -> dict[str, Topic]:
    rows = connection.execute("SELECT id, name, partitions, retention, cleanup, append_time FROM topics")
    return {
        name: Topic(number, TopicSpec(name, partitions, retention, Cleanup(cleanup), bool(append_time)))
        for number, name, partitions, retention, cleanup, append_time in rows.fetchall()
    }
