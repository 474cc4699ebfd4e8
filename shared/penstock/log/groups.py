"""Shares partitions among the members of a group that live in this process (memory, sqlite)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from penstock.log.port import TopicPartition

_T = TypeVar("_T")


class Member(Protocol):
    async def assign(self, partitions: frozenset[TopicPartition]) -> None: ...

    async def revoke(self) -> None: ...


class Groups:
    """All groups of one log."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    async def enter(self, group: str, member: Member, topics: Mapping[str, int], name: str = "") -> Place:
        """A place for ``member``, after the partitions of ``topics`` (with their counts) were shared anew."""
        place = Place(self._groups.setdefault(group, _Group()), member, topics, name)
        await place.enter()
        return place


class Place:
    """What one member holds of its group."""

    def __init__(self, group: _Group, member: Member, topics: Mapping[str, int], name: str) -> None:
        self.member, self.topics, self.name = member, topics, name
        self.serving = self.gone = False
        self._group = group
        self._revoking: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        await self._group.finish(self._group.change(entering=self))

    async def leave(self) -> None:
        """Give everything back and go; idempotent."""
        await self._group.finish(self._group.change(leaving=self))

    async def expire(self) -> None:
        """Go as a broker lets a silent member go: the others take over, and this one is not told."""
        self.serving, self.gone = False, True
        if self._revoking is not None:
            self._revoking.cancel()
        await self.leave()

    async def revoke(self) -> None:
        if self.serving:
            self.serving = False
            self._revoking = asyncio.ensure_future(self.member.revoke())
            # Cancelled only by ``expire``: then nobody is left to ask.
            await asyncio.gather(self._revoking, return_exceptions=True)
            if not self._revoking.cancelled():
                self._revoking.result()

    async def assign(self, share: frozenset[TopicPartition]) -> None:
        self.serving = True
        await self.member.assign(share)


class _Group:
    def __init__(self) -> None:
        self._places: list[Place] = []
        self._turn = asyncio.Lock()

    async def finish(self, change: Coroutine[Any, Any, _T]) -> _T:
        """Half a rebalance would leave partitions with nobody: it goes on even if who asked for it is cancelled."""
        return await asyncio.shield(asyncio.ensure_future(change))

    async def change(self, entering: Place | None = None, leaving: Place | None = None) -> None:
        async with self._turn:
            if leaving is not None and leaving not in self._places:
                return
            revoked = await asyncio.gather(*(place.revoke() for place in self._places), return_exceptions=True)
            self._places = [
                place
                for place in self._places
                if place is not leaving and not place.gone and not _renewed(place, entering)
            ]
            if entering is not None:
                self._places.append(entering)
            for place, share in _shares(self._places):
                await place.assign(share)
        for outcome in revoked:
            if isinstance(outcome, BaseException):
                raise outcome


def _renewed(place: Place, entering: Place | None) -> bool:
    """A static member that comes back takes the place that it had."""
    return entering is not None and bool(place.name) and place.name == entering.name


def _shares(places: Sequence[Place]) -> Iterable[tuple[Place, frozenset[TopicPartition]]]:
    """Every partition to one place that wants its topic; nobody has more than he must."""
    shares: list[set[TopicPartition]] = [set() for _ in places]
    counts = {topic: count for place in places for topic, count in place.topics.items()}
    for topic in sorted(counts):
        wanting = [share for place, share in zip(places, shares, strict=True) if topic in place.topics]
        for partition in range(counts[topic]):
            min(wanting, key=len).add(TopicPartition(topic, partition))
    return [(place, frozenset(share)) for place, share in zip(places, shares, strict=True)]
