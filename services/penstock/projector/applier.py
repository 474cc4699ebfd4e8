"""Takes records of some partitions into the tables, in order, and remembers how far it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from penstock.log.port import Record, TopicPartition
from penstock.projector.batches import Batch, Progress, Skipped
from penstock.projector.store import Store
from penstock.runtime.clock import Clock
from penstock.tables.pool import ValueRefused

_logger = structlog.get_logger("penstock.projector")
_BITE: Final = 250
"""Records folded before others on the loop get their turn: some milliseconds."""


class Reached(NamedTuple):
    """Where the reader of a partition stands; ``ended``: nothing more was there. ``current_at``: as of this moment."""

    position: int
    ended: bool = False
    current_at: datetime | None = None


@dataclass(slots=True)
class Counts:
    """What a projector did since it began. ``unknown`` is by type."""

    events: int = 0
    batches: int = 0
    malformed: int = 0
    refused: int = 0
    stale: int = 0
    unavailable: int = 0
    unknown: Counter[str] = field(default_factory=Counter)


class Applier:
    def __init__(self, store: Store, clock: Clock, counts: Counts) -> None:
        self._store, self._clock, self._counts = store, clock, counts
        self.progress: dict[TopicPartition, Progress] = {}

    async def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Go on where the tables are."""
        standings = await self._store.standings()
        self.progress = {key: Progress.of(standings[key]) for key in partitions}

    async def apply(self, records: Sequence[Record], reached: Mapping[TopicPartition, Reached]) -> None:
        """
        Apply ``records``, after which the partitions have ``reached`` these places. A record that the tables refuse is
        skipped alone.

        Raises:
            Stale: somebody else has been here; ``resume``.
            TablesUnavailable: it is unknown how much was applied; ``resume``.

        """
        batch = Batch(self._store.sets, self.progress)
        for start in range(0, len(records), _BITE):
            batch.add(records[start : start + _BITE])
            await asyncio.sleep(0)
        try:
            await self._commit(batch, reached)
        except ValueRefused as refusal:
            await self._apart(records, reached, refusal)

    async def _apart(
        self, records: Sequence[Record], reached: Mapping[TopicPartition, Reached], refusal: ValueRefused
    ) -> None:
        """By halves, until the record that is to blame stands alone."""
        if len(records) > 1:
            half = len(records) // 2
            await self.apply(records[:half], {})
            await self.apply(records[half:], reached)
        else:
            batch = Batch(self._store.sets, self.progress)
            batch.skip(records[0], str(refusal))
            await self._commit(batch, reached)
            self._counts.refused += 1

    async def _commit(self, batch: Batch, reached: Mapping[TopicPartition, Reached]) -> None:
        current: dict[TopicPartition, datetime] = {}
        for key, place in reached.items():
            batch.after[key] = batch.after.get(key, self.progress[key]).to(place.position, ended=place.ended)
            if place.current_at is not None:
                current[key] = place.current_at
        await self._store.apply(batch, current, self._clock())
        self.progress |= batch.after
        self._counts.events += batch.events
        self._counts.batches += 1
        for skipped in batch.skipped:
            self._tell(skipped)

    def _tell(self, skipped: Skipped) -> None:
        if skipped.unknown:
            self._counts.unknown[skipped.unknown] += 1
            if self._counts.unknown[skipped.unknown] > 1:
                return  # a newer release may write many of them: the count goes on, the warning is given once
        else:
            self._counts.malformed += 1
        place = {"topic": skipped.place.topic, "partition": skipped.place.partition, "position": skipped.position}
        _logger.warning("record skipped", cause=skipped.cause, **place)
