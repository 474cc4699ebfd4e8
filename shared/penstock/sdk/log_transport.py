"""Tasks straight from the log, results straight to it: Kafka in production (decisions 17-19)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog

from penstock.catalog.state import Catalog
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.log.open import open_log
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import CATALOG, COMMANDS, TASKS_CONTROL, tasks_topic
from penstock.messages.envelope import UnknownType, decode_event
from penstock.runtime.clock import Clock, system_clock
from penstock.sdk.log_channel import LogChannel
from penstock.sdk.transport import Joining

LOOK_AGAIN: Final = 1.0
_logger = structlog.get_logger("penstock.worker")


class LogTransport:
    """Over ``log``: an open log, which stays open, or the URL of one, which is opened and closed here."""

    def __init__(self, log: Log | str, *, prefix: str = "penstock", clock: Clock = system_clock) -> None:
        self._given, self._prefix, self._clock = log, prefix, clock
        self._log: Log | None = None if isinstance(log, str) else log
        self._opening = asyncio.Lock()

    async def open(self, joining: Joining) -> LogChannel:
        """
        A place in the group of the queue. Waits for the queue's topic: its definition may not be published yet.

        Raises:
            Rejected: the gateway hands out this queue; two groups of readers would each do every task.

        """
        log = await self._opened()
        needed = (tasks_topic(joining.queue), COMMANDS, TASKS_CONTROL)
        told = False
        while missing := [topic for topic in needed if topic not in (counts := await log.topics())]:
            if not told:
                _logger.warning("waiting for topics", missing=missing, mend="penstock topics apply, or publish")
            told = True
            await asyncio.sleep(LOOK_AGAIN)
        await _check_transport(log, joining.queue)
        channel = LogChannel(log, joining, self._clock, counts[COMMANDS])
        await channel.enter()
        return channel

    async def close(self) -> None:
        if isinstance(self._given, str) and self._log is not None:
            await self._log.close()
            self._log = None

    async def _opened(self) -> Log:
        async with self._opening:
            if self._log is None:
                assert isinstance(self._given, str)
                self._log = await open_log(self._given, self._prefix)
            return self._log


async def _check_transport(log: Log, queue: str) -> None:
    """The transport that definitions declared; that of queues which none declares is known to the services alone."""
    place, catalog = TopicPartition(CATALOG, 0), Catalog()
    if CATALOG not in await log.topics():
        return
    end = await log.end(place)
    async with await log.reader({place: await log.first(place)}) as reader:
        while reader.position(place) < end:
            for record in await reader.read(wait=0.1):
                with contextlib.suppress(UnknownType):  # of a later release
                    recorded = decode_event(record.value or b"")
                    catalog = catalog.after(recorded.subject, recorded.event)
    if catalog.queues.get(queue) == "http":
        raise Rejected(
            RejectionCode.QUEUE_TRANSPORT_CONFLICT,
            f"expected a queue with transport log, but {queue!r} is handed out by the gateway: give the worker its URL",
        )
