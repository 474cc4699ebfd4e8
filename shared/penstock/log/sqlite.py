"""
A log in one SQLite file: the same topics, partitions, owners and promises as on Kafka, without a server.

Writes go through one thread and share transactions; several processes may use the file, and whoever takes a partition
over fences every earlier owner in all of them. Groups are shared within one process only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self, TypeAlias

from penstock.log.admission import admit, require
from penstock.log.differences import differences
from penstock.log.doorbell import Doorbell
from penstock.log.groups import Groups
from penstock.log.ownership import EpochOwnership, Owner, take_over
from penstock.log.port import (
    Assignee,
    Batch,
    LogError,
    Mark,
    Membership,
    Subscription,
    TopicMissing,
    TopicPartition,
    TopicSpec,
)
from penstock.log.sqlite_chunks import end_position, first_position, lane_of
from penstock.log.sqlite_courtesy import Courtesy
from penstock.log.sqlite_file import open_writer
from penstock.log.sqlite_reader import Lane, ReadSide, SqliteReader
from penstock.log.sqlite_store import Appended, Store, Topic, load_topics
from penstock.log.sqlite_tails import Tails
from penstock.log.sqlite_writer import Writer
from penstock.log.subscription import GroupMembership, GroupSubscription

_WATCH_SECONDS = 0.04


Synchronous: TypeAlias = Literal["FULL", "NORMAL"]


class SqliteLog:
    def __init__(self, path: Path, *, synchronous: Synchronous, max_record: int, clock: Callable[[], int]) -> None:
        courtesy = Courtesy()
        self._max_record = max_record
        self._writer = Writer(
            path, lambda: Store(open_writer(path, synchronous), clock), on_commit=self._spread, courtesy=courtesy
        )
        self._side = ReadSide(path, courtesy)
        self._doorbell, self._tails = Doorbell(), Tails()
        self._groups = Groups()
        self._topics: dict[str, Topic] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        synchronous: Synchronous = "FULL",
        max_record: int = 1_000_000,
        clock: Callable[[], int] | None = None,
    ) -> Self:
        """
        The log in the file at ``path``, which is created where it is missing.

        With ``NORMAL``, a loss of power (not the end of a process) may take the last commits, though never part of one.

        Raises:
            NotALog: the file belongs to something else.
            FormatTooNew: a later release wrote it.
            LogUnavailable: it cannot be opened or is locked.

        """
        log = cls(Path(path), synchronous=synchronous, max_record=max_record, clock=clock or _wall_clock)
        await log._writer.start()
        log._watching = asyncio.create_task(log._watch())
        return log

    @property
    def max_record(self) -> int:
        return self._max_record

    @property
    def transactions(self) -> int:
        """How many transactions (each with one fsync) this process has committed so far."""
        return self._writer.transactions

    async def topics(self) -> Mapping[str, int]:
        self._topics = await self._side.ask(load_topics)
        return {name: topic.spec.partitions for name, topic in self._topics.items()}

    async def apply(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        return await self._writer.do(lambda store: store.create(specs))

    async def check(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        existing = await self._side.ask(load_topics)
        return differences(specs, {name: topic.spec for name, topic in existing.items()})

    async def send(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        size = admit(batches, self._max_record)
        return await self._writer.do(lambda store: store.append(batches), size=size)

    async def first(self, partition: TopicPartition) -> int:
        lane = await self._lane(partition)
        return await self._side.ask(lambda connection: first_position(connection, lane.start))

    async def end(self, partition: TopicPartition) -> int:
        lane = await self._lane(partition)
        return await self._side.ask(lambda connection: end_position(connection, lane.start))

    async def reader(self, starts: Mapping[TopicPartition, int]) -> SqliteReader:
        lanes = [await self._lane(partition) for partition in starts]
        return SqliteReader(lanes, starts, self._side, self._tails, self._doorbell)

    async def take(self, source: TopicPartition, mark: Mark) -> EpochOwnership:
        owner = await self._writer.do(lambda store: store.take(source))
        return await take_over(owner, mark, self._commit)

    async def join(self, group: str, topic: str, assignee: Assignee, member: str = "") -> Membership:
        membership = GroupMembership(self, group, topic, assignee)
        await membership.enter(self._groups, await self._count(topic), member)
        return membership

    async def subscribe(
        self, group: str, topics: Sequence[str], on_revoke: Callable[[], Awaitable[None]] | None = None
    ) -> Subscription:
        counts = {topic: await self._count(topic) for topic in topics}
        subscription = GroupSubscription(self, group, on_revoke)
        await subscription.enter(self._groups, counts)
        return subscription

    async def progress(self, group: str) -> Mapping[TopicPartition, int]:
        # Through the writer, so that it comes after every advance that was asked for before.
        return await self._writer.do(lambda store: store.progress(group), writes=False)

    async def advance(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        await self._writer.do(lambda store: store.advance(group, positions))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._side.close()
        await self._writer.close()  # last: the last connection tidies the file up
        self._doorbell.ring_all()

    async def _commit(self, batches: Sequence[Batch], owner: Owner) -> Mapping[TopicPartition, int]:
        size = admit(batches, self._max_record)
        return await self._writer.do(lambda store: store.append(batches, owner), size=size)

    def _spread(self, appended: Appended, foreign: bool) -> None:
        """Tell the readers of this process what is new: ours, known exactly, or something of another process."""
        if foreign:
            self._tails.clear()
            self._doorbell.ring_all()
        for key, records in appended.items():
            if records:
                self._tails.extend(key, records)
        self._doorbell.ring(appended)

    async def _watch(self) -> None:
        """Notice what other processes write: the writer looks at the file at each turn, so give it one."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._doorbell:
                with contextlib.suppress(LogError):  # whoever reads or writes meets it himself
                    await self._writer.do(_nothing, writes=False)

    async def _lane(self, partition: TopicPartition) -> Lane:
        await self._count(partition.topic)
        require(partition, {name: topic.spec.partitions for name, topic in self._topics.items()})
        return Lane(partition, lane_of(self._topics[partition.topic].id, partition.partition))

    async def _count(self, topic: str) -> int:
        if topic not in self._topics:
            await self.topics()
        if topic not in self._topics:
            raise TopicMissing(topic)
        return self._topics[topic].spec.partitions


def _nothing(_: Store) -> None:
    return None


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000
