"""
A log in memory, for tests and simulation: deterministic, on an injected clock, with faults on demand.

It outlives its users: several of them ("processes") may hold one ``MemoryLog``, and what they lose by a crash is only
their readers and places in groups (``expire`` takes those away).
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Self

from penstock.log.admission import admit, require
from penstock.log.differences import differences
from penstock.log.doorbell import Doorbell, ReaderClosed, heard
from penstock.log.groups import Groups
from penstock.log.memory_faults import Fault, Faults, doubtful, lost
from penstock.log.ownership import EpochOwnership, Owner, fenced, take_over
from penstock.log.port import (
    Assignee,
    Batch,
    Cleanup,
    Mark,
    Membership,
    Message,
    Record,
    Subscription,
    TopicMissing,
    TopicPartition,
    TopicSpec,
)
from penstock.log.subscription import GroupMembership, GroupSubscription

_POSITION = attrgetter("position")


class MemoryLog:
    def __init__(self, clock: Callable[[], int] | None = None, max_record: int = 1_000_000) -> None:
        self.faults = Faults()
        self._clock = clock or _wall_clock
        self._max_record = max_record
        self._specs: dict[str, TopicSpec] = {}
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._epochs: dict[TopicPartition, int] = {}
        self._progress: dict[str, dict[TopicPartition, int]] = {}
        self._groups = Groups()
        self._doorbell = Doorbell()

    @property
    def max_record(self) -> int:
        return self._max_record

    async def topics(self) -> Mapping[str, int]:
        return {name: spec.partitions for name, spec in self._specs.items()}

    async def apply(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        missing = [spec for spec in specs if spec.name not in self._specs]
        for spec in missing:
            self._specs[spec.name] = spec
            for number in range(spec.partitions):
                self._partitions[TopicPartition(spec.name, number)] = _Partition(spec)
        return [spec.name for spec in missing]

    async def check(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        return differences(specs, self._specs)

    async def send(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        self._admit(batches)
        fault = self.faults.of_send(batches)
        await self.faults.pause()
        if fault is Fault.LOST:
            raise lost()
        firsts = self._append(batches)
        if fault is Fault.DUPLICATE:
            self._append(batches)
        if fault is Fault.DOUBTFUL:
            raise doubtful()
        return firsts

    async def first(self, partition: TopicPartition) -> int:
        return self._partition(partition).first

    async def end(self, partition: TopicPartition) -> int:
        return self._partition(partition).end

    async def reader(self, starts: Mapping[TopicPartition, int]) -> MemoryReader:
        return MemoryReader({key: self._partition(key) for key in starts}, starts, self._doorbell)

    async def take(self, source: TopicPartition, mark: Mark) -> EpochOwnership:
        self._partition(source)
        await self.faults.pause()
        epoch = self._epochs[source] = self._epochs.get(source, 0) + 1
        return await take_over(Owner(source, epoch), mark, self._commit)

    async def join(self, group: str, topic: str, assignee: Assignee, member: str = "") -> Membership:
        membership = GroupMembership(self, group, topic, assignee)
        await membership.enter(self._groups, self._count(topic), member)
        return membership

    async def subscribe(
        self, group: str, topics: Sequence[str], on_revoke: Callable[[], Awaitable[None]] | None = None
    ) -> Subscription:
        counts = {topic: self._count(topic) for topic in topics}
        subscription = GroupSubscription(self, group, on_revoke)
        await subscription.enter(self._groups, counts)
        return subscription

    async def progress(self, group: str) -> Mapping[TopicPartition, int]:
        return dict(self._progress.get(group, {}))

    async def advance(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        self._progress.setdefault(group, {}).update(positions)

    async def expire(self, member: Membership | Subscription) -> None:
        """Take a crashed or frozen member out of its group without telling it, as a session time-out would."""
        if isinstance(member, GroupMembership | GroupSubscription):
            await member.expire()

    async def close(self) -> None:
        """Nothing: the log belongs to everybody who holds it."""

    async def _commit(self, batches: Sequence[Batch], owner: Owner) -> Mapping[TopicPartition, int]:
        self._admit(batches)
        fault = self.faults.of_commit(owner.source, batches)
        await self.faults.pause()
        if fault is Fault.TAKEN_OVER:
            self._epochs[owner.source] += 1
        if self._epochs[owner.source] != owner.epoch:
            raise fenced(owner)
        if fault is Fault.LOST:
            raise lost()
        firsts = self._append(batches)
        if fault is Fault.DOUBTFUL:
            raise doubtful()
        return firsts

    def _admit(self, batches: Sequence[Batch]) -> None:
        admit(batches, self._max_record)
        for topic, partition, _ in batches:
            self._partition(TopicPartition(topic, partition))

    def _append(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        firsts: dict[TopicPartition, int] = {}
        for topic, number, messages in batches:
            if messages:
                key = TopicPartition(topic, number)
                firsts[key] = self._partitions[key].append(key, messages, self._clock())
        self._doorbell.ring(firsts)
        return firsts

    def _partition(self, partition: TopicPartition) -> _Partition:
        found = self._partitions.get(partition)
        if found is None:
            require(partition, {name: spec.partitions for name, spec in self._specs.items()})
            raise TopicMissing(partition.topic)
        return found

    def _count(self, topic: str) -> int:
        spec = self._specs.get(topic)
        if spec is None:
            raise TopicMissing(topic)
        return spec.partitions


class _Partition:
    """Records in the order of their positions. The newest is never deleted, so it tells where the partition ends."""

    def __init__(self, spec: TopicSpec) -> None:
        self._retention = None if spec.retention is None else spec.retention * 1000
        self._compacted = spec.cleanup is Cleanup.COMPACT
        self._records: list[Record] = []
        self._latest: dict[bytes, int] = {}

    @property
    def first(self) -> int:
        return self._records[0].position if self._records else 0

    @property
    def end(self) -> int:
        return self._records[-1].position + 1 if self._records else 0

    def append(self, key: TopicPartition, messages: Sequence[Message], now: int) -> int:
        first = self.end
        self._records += [
            Record(key.topic, key.partition, position, message.key, message.value, message.headers, now)
            for position, message in enumerate(messages, first)
        ]
        if self._compacted:
            self._compact(first)
        if self._retention is not None:
            self._expire(now - self._retention)
        return first

    def read(self, position: int, limit: int) -> list[Record]:
        index = bisect_left(self._records, position, key=_POSITION)
        return self._records[index : index + limit]

    def _compact(self, first: int) -> None:
        for record in self.read(first, len(self._records)):
            older = self._latest.get(record.key)
            if older is not None:
                del self._records[bisect_left(self._records, older, key=_POSITION)]
            self._latest[record.key] = record.position

    def _expire(self, before: int) -> None:
        kept = 0
        while kept < len(self._records) - 1 and self._records[kept].time < before:
            self._latest.pop(self._records[kept].key, None)
            kept += 1
        del self._records[:kept]


class MemoryReader:
    def __init__(
        self,
        partitions: Mapping[TopicPartition, _Partition],
        starts: Mapping[TopicPartition, int],
        doorbell: Doorbell,
    ) -> None:
        self._partitions = partitions
        self._positions = dict(starts)
        self._turn = list(starts)
        self._doorbell = doorbell
        self._news = asyncio.Event()
        self._closed = False
        doorbell.listen(starts, self._news)

    async def read(self, limit: int = 1000, wait: float = 0.0) -> Sequence[Record]:
        deadline = asyncio.get_running_loop().time() + wait
        await asyncio.sleep(0)  # a reader that never waits must not keep everybody else from running
        while not self._closed:
            self._news.clear()
            records = self._read(limit)
            left = deadline - asyncio.get_running_loop().time()
            if records or not await heard(self._news, left):
                return records
        raise ReaderClosed

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def seek(self, partition: TopicPartition, position: int) -> None:
        self._positions[partition] = position
        self._news.set()

    async def close(self) -> None:
        self._closed = True
        self._doorbell.forget(self._partitions, self._news)
        self._news.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _read(self, limit: int) -> list[Record]:
        """Every partition gets its turn: the one that was read first comes last next time."""
        records: list[Record] = []
        for key in self._turn:
            found = self._partitions[key].read(self._positions[key], limit - len(records))
            if found:
                self._positions[key] = found[-1].position + 1
                records += found
        self._turn.append(self._turn.pop(0)) if self._turn else None
        return records


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000
