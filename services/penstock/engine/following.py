"""The published definitions as this engine knows them: the catalog topic, read as far as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from penstock.catalog.state import Catalog
from penstock.domain.definition.model import Definition
from penstock.domain.execution.commands import AddTask, MigrateExecution, StartExecution
from penstock.domain.mailbox.commands import ReturnMessage, SendMessage
from penstock.engine.arrival import Arrival
from penstock.log.port import Log, Reader, TopicPartition
from penstock.log.topics import CATALOG, DEFAULT_QUEUE
from penstock.messages.envelope import Received, decode_event
from penstock.messages.registry import Command

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

    def has_queue(self, queue: str) -> bool:
        return queue == DEFAULT_QUEUE or queue in self._catalog.queues

    def on_message(self, name: str) -> Sequence[Definition]:
        return self._catalog.on_message(name)

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """Read on where a command names what is not known yet, or wants the latest version, which may be newer."""
        for _, received in arrivals:
            if isinstance(received, Received) and self._may_be_behind(received.command):
                await self.catch_up()
                return

    def _may_be_behind(self, command: Command) -> bool:
        match command:
            case StartExecution(definition=definition, version=version):
                return version is None or not self._catalog.has(definition, version)
            case MigrateExecution():  # does not say of which definition
                return True
            case SendMessage() | ReturnMessage():  # may start what was published just now
                return True
            case AddTask(queue=queue):
                return not self.has_queue(queue)
            case _:
                return False

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
