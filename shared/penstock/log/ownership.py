"""Owning an input partition in a log that counts owners itself (memory, sqlite)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from penstock.log.port import Batch, Fenced, LogUnavailable, Mark, TopicPartition


class Owner(NamedTuple):
    """The ``epoch``-th owner of ``source``."""

    source: TopicPartition
    epoch: int


Write: TypeAlias = Callable[[Sequence[Batch], Owner], Awaitable[Mapping[TopicPartition, int]]]
"""Writes all batches, or nothing and ``Fenced`` where the owner is not the last one."""

TURNS = (0, 1)


async def take_over(owner: Owner, mark: Mark, write: Write) -> EpochOwnership:
    """The ownership of ``owner``, with its marks committed."""
    ownership = EpochOwnership(owner, write)
    for turn in TURNS:
        await ownership.commit((mark(owner.epoch, turn),))
    return ownership


class EpochOwnership:
    def __init__(self, owner: Owner, write: Write) -> None:
        self._owner = owner
        self._write = write
        self._over = False

    @property
    def epoch(self) -> int:
        return self._owner.epoch

    async def commit(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        if self._over:
            raise fenced(self._owner)
        try:
            return await self._write(batches, self._owner)
        except (Fenced, LogUnavailable, asyncio.CancelledError):
            self._over = True  # nobody knows how it ended: another commit could come before or after it
            raise

    async def release(self) -> None:
        self._over = True


def fenced(owner: Owner) -> Fenced:
    topic, partition = owner.source
    return Fenced(f"expected to own partition {partition} of topic {topic!r} as owner {owner.epoch}, but that is over")
