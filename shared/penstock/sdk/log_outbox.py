"""What a worker writes to the log: everything that comes together goes out together, and again until it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from penstock.log.port import Batch, Log, LogUnavailable, Message

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
MAX_WAITING: Final = 5_000

_logger = structlog.get_logger("penstock.worker")


class _Item(NamedTuple):
    topic: str
    partition: int
    message: Message
    written: Callable[[], None]


class LogOutbox:
    """Messages in the order in which they were put. ``written`` of each is called once the log has acknowledged it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._items: list[_Item] = []
        self._news, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()

    def put(self, topic: str, partition: int, message: Message, written: Callable[[], None]) -> None:
        self._items.append(_Item(topic, partition, message, written))
        self._news.set()
        self._empty.clear()

    async def room(self) -> None:
        """Wait while so much is unwritten that more work would only make it worse."""
        if len(self._items) > MAX_WAITING:
            await self._empty.wait()

    async def flush(self) -> None:
        """Wait until everything is written."""
        await self._empty.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            items, self._items = self._items, []
            await self._write(items)
            for item in items:
                item.written()
            if not self._items:
                self._empty.set()

    async def _write(self, items: list[_Item]) -> None:
        messages: dict[tuple[str, int], list[Message]] = {}
        for topic, partition, message, _ in items:
            messages.setdefault((topic, partition), []).append(message)
        batches = [Batch(topic, partition, found) for (topic, partition), found in messages.items()]
        pause = FIRST_PAUSE
        while True:
            try:
                await self._log.send(batches)
                return
            except LogUnavailable as error:
                # Whatever was written already is refused as a repeat.
                _logger.warning("expected the log to take results", results=len(items), error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
