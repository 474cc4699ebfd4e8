"""How many commands of each partition wait to be decided; too many, and callers are asked to come back later."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from penstock.domain.subjects import root_of
from penstock.gateway.commander import Commander
from penstock.gateway.freshness import Freshness
from penstock.log.port import Log, LogUnavailable, TopicPartition
from penstock.log.topics import COMMANDS, EVENTS, partition_of
from penstock.tables.pool import TablesUnavailable

_logger = structlog.get_logger("penstock.gateway")


class TooBusy(Exception):
    """A partition has fallen behind."""

    def __init__(self, partition: int, lag: int, most: int, after: int) -> None:
        super().__init__(
            f"expected at most {most:,} commands of partition {partition} to wait for a decision, but there are "
            f"{lag:,}: come back in {after} s"
        )
        self.after = after


class Lag:
    """Looked at every ``interval`` seconds, for all partitions at once."""

    def __init__(self, log: Log, commander: Commander, freshness: Freshness, *, most: int, interval: float) -> None:
        self._log, self._commander, self._freshness = log, commander, freshness
        self._most, self._interval = most, interval
        self._lags: dict[int, int] = {}

    @property
    def by_partition(self) -> Mapping[int, int]:
        return self._lags

    def admit(self, subject: str) -> None:
        """
        Raises:
            TooBusy: the partition of ``subject`` has fallen behind.

        """
        partition = partition_of(root_of(subject).encode(), self._commander.partitions)
        lag = self._lags.get(partition, 0)
        if lag > self._most:
            raise TooBusy(partition, lag, self._most, after=max(2, round(2 * self._interval)))

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.measure()
            except (LogUnavailable, TablesUnavailable) as error:
                _logger.debug("the lag cannot be measured", error=str(error))
            await asyncio.sleep(self._interval)

    async def measure(self) -> None:
        """Look now. What an answer told is decided, even where no projector has shown it yet."""
        applied = await self._freshness.applied()
        for partition in range(self._commander.partitions):
            end = await self._log.end(TopicPartition(COMMANDS, partition))
            shown = applied.get(TopicPartition(EVENTS, partition), -1)
            decided = max(shown, self._commander.decided.get(partition, -1))
            self._lags[partition] = max(end - decided - 1, 0)
