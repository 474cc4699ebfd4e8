"""Memberships and subscriptions over groups in this process (memory, sqlite)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from penstock.log.doorbell import ReaderClosed, heard
from penstock.log.groups import Groups, Place
from penstock.log.port import Assignee, Reader, Record, TopicPartition


class Host(Protocol):
    """What a subscription needs of its log."""

    async def reader(self, starts: Mapping[TopicPartition, int]) -> Reader: ...

    async def progress(self, group: str) -> Mapping[TopicPartition, int]: ...

    async def advance(self, group: str, positions: Mapping[TopicPartition, int]) -> None: ...


class GroupMembership:
    def __init__(self, host: Host, group: str, topic: str, assignee: Assignee) -> None:
        self._host, self._group, self._topic, self._assignee = host, group, topic, assignee
        self._place: Place | None = None

    async def enter(self, groups: Groups, partitions: int, name: str) -> None:
        self._place = await groups.enter(self._group, self, {self._topic: partitions}, name)

    async def assign(self, partitions: frozenset[TopicPartition]) -> None:
        await self._assignee.assign(frozenset(number for _, number in partitions))

    async def revoke(self) -> None:
        await self._assignee.revoke()

    async def report(self, positions: Mapping[int, int]) -> None:
        reported = {TopicPartition(self._topic, number): position for number, position in positions.items()}
        await self._host.advance(self._group, reported)

    async def close(self) -> None:
        if self._place is not None:
            await self._place.leave()

    async def expire(self) -> None:
        """Lose the place in the group without being told, as by a session time-out."""
        if self._place is not None:
            await self._place.expire()


class GroupSubscription:
    def __init__(self, host: Host, group: str, on_revoke: Callable[[], Awaitable[None]] | None) -> None:
        self._host, self._group, self._on_revoke = host, group, on_revoke
        self._place: Place | None = None
        self._reader: Reader | None = None
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._news = asyncio.Event()
        self._closed = False

    async def enter(self, groups: Groups, topics: Mapping[str, int]) -> None:
        self._place = await groups.enter(self._group, self, topics)

    async def read(self, limit: int = 500, wait: float = 0.0) -> Sequence[Record]:
        deadline = asyncio.get_running_loop().time() + wait
        while not self._closed:
            left = deadline - asyncio.get_running_loop().time()
            self._news.clear()
            reader = self._reader
            if reader is None:
                if not await heard(self._news, left):
                    return ()
                continue
            try:
                records = await reader.read(limit, max(left, 0.0))
            except ReaderClosed:
                if reader is self._reader:
                    raise
                continue
            if reader is self._reader:  # else they moved away meanwhile: somebody else reads them
                return records
        raise ReaderClosed

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        ours = {partition: at for partition, at in positions.items() if partition in self._assigned}
        if ours:
            await self._host.advance(self._group, ours)

    def assigned(self) -> frozenset[TopicPartition]:
        return self._assigned

    async def assign(self, partitions: frozenset[TopicPartition]) -> None:
        progress = await self._host.progress(self._group)
        self._reader = await self._host.reader({partition: progress.get(partition, 0) for partition in partitions})
        self._assigned = partitions
        self._news.set()

    async def revoke(self) -> None:
        reader, self._reader = self._reader, None
        try:
            if self._on_revoke is not None:
                await self._on_revoke()
        finally:
            self._assigned = frozenset()
            if reader is not None:
                await reader.close()

    async def close(self) -> None:
        if self._place is not None and not self._closed:
            await self._place.leave()
        self._closed = True
        self._news.set()

    async def expire(self) -> None:
        """Lose the place in the group without being told, as by a session time-out."""
        if self._place is not None:
            self._assigned = frozenset()  # a broker would refuse its commits from now on
            await self._place.expire()
