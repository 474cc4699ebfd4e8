"""The loop of the projector: read what is new, apply it, and say how current the tables are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from penstock.log.port import Log, LogUnavailable, Reader, Record, TopicPartition
from penstock.projector import generations
from penstock.projector.applier import Applier, Counts, Reached
from penstock.projector.store import Stale, Store
from penstock.runtime.clock import Clock
from penstock.tables.pool import TablesUnavailable

_logger = structlog.get_logger("penstock.projector")

LIMIT: Final = 2000
IDLE: Final = 0.5
"""Seconds between two notes that nothing is new: the age of a read model at rest stays below twice this."""
BUSY: Final = 100
GATHER_MANY: Final = 0.05
GATHER_FEW: Final = 0.01
"""Seconds at the log's end to let events gather, where ``BUSY`` of them came at once or fewer: a batch costs as much as
many events, and takes the time from those who are deciding the next ones."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0
_BETWEEN_TURNS: Final = 1.0
_BETWEEN_REPORTS: Final = 5.0

Report = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]


class Follower:
    """Follows some partitions until it is cancelled. Whatever it loses then is not applied, and read again."""

    def __init__(
        self,
        log: Log,
        store: Store,
        partitions: Sequence[TopicPartition],
        *,
        clock: Clock,
        counts: Counts,
        report: Report,
        idle: float = IDLE,
    ) -> None:
        self._log, self._store, self._partitions, self._clock = log, store, partitions, clock
        self._counts, self._report, self._idle = counts, report, idle
        self._applier = Applier(store, clock, counts)
        self._pause = _FIRST_PAUSE
        self._unended = False
        self._turned: set[str] = set()
        self._turn_at = self._report_at = 0.0
        self.current: set[TopicPartition] = set()

    @property
    def following(self) -> bool:
        """Whether every partition has been at the log's end once."""
        return self.current.issuperset(self._partitions)

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except Stale:
                self._counts.stale += 1
                _logger.info("another projector was here: reading the positions again")
            except (TablesUnavailable, LogUnavailable) as error:
                self._counts.unavailable += 1
                _logger.warning("waiting", cause=str(error), seconds=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        await self._store.prepare(await self._log.topics(), self._clock())
        await self._applier.resume(self._partitions)
        since = self._clock()
        ends = {key: await self._log.end(key) for key in self._partitions}
        starts = {key: progress.position for key, progress in self._applier.progress.items()}
        async with await self._log.reader(starts) as reader:
            while True:
                began = self._clock()
                records = await reader.read(LIMIT, 0.0 if self._unended else self._idle)
                if records:
                    reached = await self._reached(reader, records, ends, since)
                else:
                    reached = {key: Reached(reader.position(key), True, began) for key in self._partitions}
                await self._apply(records, reached)
                await self._care()
                if records and not self._unended:
                    await asyncio.sleep(GATHER_MANY if len(records) >= BUSY else GATHER_FEW)

    async def _reached(
        self, reader: Reader, records: Sequence[Record], ends: Mapping[TopicPartition, int], since: datetime
    ) -> Mapping[TopicPartition, Reached]:
        """
        Where the partitions of ``records`` stand. Only the log's end tells that its last commit was read whole; with a
        full batch there is surely more.
        """
        keys = {TopicPartition(record.topic, record.partition) for record in records}
        reached: dict[TopicPartition, Reached] = {}
        for key in keys:
            position, now = reader.position(key), self._clock()
            if len(records) < LIMIT and position >= await self._log.end(key):
                reached[key] = Reached(position, True, now)
            else:
                reached[key] = Reached(position, False, since if position >= ends[key] else None)
        return reached

    async def _apply(self, records: Sequence[Record], reached: Mapping[TopicPartition, Reached]) -> None:
        await self._applier.apply(records, reached)
        self._unended = any(not place.ended for place in reached.values())
        self.current |= {key for key, place in reached.items() if place.current_at is not None}
        self._pause = _FIRST_PAUSE

    async def _care(self) -> None:
        """What is due now and then: turning the views to our tables, telling lag tools where we are."""
        now = asyncio.get_running_loop().time()
        if len(self._turned) < len(self._store.sets) and now >= self._turn_at:
            self._turn_at = now + _BETWEEN_TURNS
            for topic, read_set in self._store.sets.items():
                if topic not in self._turned and await generations.adopt(self._store.pool, read_set, self._clock()):
                    self._turned.add(topic)
        if now >= self._report_at:
            self._report_at = now + _BETWEEN_REPORTS
            await self._report({key: progress.position for key, progress in self._applier.progress.items()})
