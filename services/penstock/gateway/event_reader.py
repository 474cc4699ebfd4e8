"""Reads single events from the log, as they stand there, by the places that the timeline keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from penstock.log.port import Log, LogUnavailable, Reader, TopicPartition
from penstock.log.topics import EVENTS
from penstock.projections.read_model import Place

_AHEAD: Final = 200
"""Records read at a time: the events of one execution lie close together."""
_PATIENCE: Final = 5.0


class EventReader:
    """Keeps one reader per partition; those who ask take turns."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._readers: dict[int, Reader] = {}
        self._turn = asyncio.Lock()

    async def read(self, places: Sequence[Place]) -> list[bytes]:
        """
        The values at ``places``, which are in order and of one partition.

        Raises:
            LogUnavailable: the log does not have them, or does not answer.

        """
        if not places:
            return []
        wanted = [place.position for place in places]
        async with self._turn:
            partition = TopicPartition(EVENTS, places[0].partition)
            reader = await self._reader(partition, wanted[0])
            found: dict[int, bytes] = {}
            try:
                async with asyncio.timeout(_PATIENCE):
                    await _collect(reader, partition, wanted, found)
            except TimeoutError:
                missing = next(position for position in wanted if position not in found)
                raise LogUnavailable(f"expected an event at {EVENTS}/{partition[1]}/{missing}, but got none") from None
        return [found[position] for position in wanted]

    async def close(self) -> None:
        for reader in self._readers.values():
            await reader.close()
        self._readers.clear()

    async def _reader(self, partition: TopicPartition, start: int) -> Reader:
        if partition.partition not in self._readers:
            self._readers[partition.partition] = await self._log.reader({partition: start})
        return self._readers[partition.partition]


async def _collect(reader: Reader, partition: TopicPartition, wanted: Sequence[int], found: dict[int, bytes]) -> None:
    needed = frozenset(wanted)
    for position in wanted:
        if position in found:
            continue
        reader.seek(partition, position)
        while position not in found:
            for record in await reader.read(limit=_AHEAD, wait=1.0):
                if record.position in needed:
                    found[record.position] = record.value or b"null"
            if position not in found and reader.position(partition) > position:
                raise LogUnavailable(f"expected an event at {EVENTS}/{partition[1]}/{position}, but it is not there")
