"""The published definitions as this engine knows them: the catalog topic, read as far as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from penstock.catalog.state import Catalog
from penstock.domain.definition.model import Definition
from penstock.domain.execution.commands import StartExecution
from penstock.engine.arrival import Arrival
from penstock.log.port import Log, Reader, TopicPartition
from penstock.log.topics import CATALOG
from penstock.messages.envelope import Received, decode_event

WAIT: Final = 1.0
"""Seconds that a batch waits for the catalog's present end, at most (decisions 24)."""


class DefinitionsFollower:
    """Reads when asked. Several partitions share one; they take turns."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._catalog = Catalog()
        self._source = TopicPartition(CATALOG, 0)
        self._reader: Reader | None = None
        self._turn = asyncio.Lock()

    def resolve(self, definition: str, version: str | None) -> Definition:
        """
        Raises:
            Rejected: there is no such definition, or it takes no new executions.

        """
        return self._catalog.resolve(definition, version)

    def pinned(self, definition: str, version: str) -> Definition:
        """
        Raises:
            Rejected: there is no such version (an inactive one will do).

        """
        return self._catalog.pinned(definition, version)

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """Read on where a start names what is not known yet, or wants the latest version, which may be newer."""
        for _, received in arrivals:
            if isinstance(received, Received) and isinstance(received.command, StartExecution):
                wanted = received.command
                if wanted.version is None or not self._catalog.has(wanted.definition, wanted.version):
                    await self.catch_up()
                    return

    async def catch_up(self) -> None:
        """Read the catalog to its present end."""
        async with self._turn:
            if self._reader is None:
                self._reader = await self._log.reader({self._source: await self._log.first(self._source)})
            end = await self._log.end(self._source)
            deadline = asyncio.get_running_loop().time() + WAIT
            while self._reader.position(self._source) < end and asyncio.get_running_loop().time() < deadline:
                for record in await self._reader.read(wait=0.1):
                    recorded = decode_event(record.value or b"")
                    self._catalog = self._catalog.after(recorded.subject, recorded.event)

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.close()
            self._reader = None
