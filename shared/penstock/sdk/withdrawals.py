"""Attempts that are no longer wanted, as the log tells it to all workers (decisions 19)."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from penstock.log.port import Log, LogUnavailable, Reader, Record, TopicPartition
from penstock.log.topics import TASKS_CONTROL
from penstock.messages.records import decode_withdrawn
from penstock.messages.wellformed import Malformed
from penstock.sdk.transport import Withdraw

REMEMBERED: Final = 100_000
PAUSE: Final = 1.0
_CONTROL: Final = TopicPartition(TASKS_CONTROL, 0)
_logger = structlog.get_logger("penstock.worker")


class Withdrawals:
    """
    Follows ``tasks.control`` from the oldest record that is kept: a task may wait in its topic for longer than the
    worker lives, and must not begin after it was withdrawn.
    """

    def __init__(self, log: Log, withdraw: Withdraw) -> None:
        self._log, self._withdraw = log, withdraw
        self._ids: dict[str, None] = {}
        self._position = 0

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._ids

    async def catch_up(self) -> None:
        """Read what was withdrawn so far."""
        self._position = await self._log.first(_CONTROL)
        end = await self._log.end(_CONTROL)
        async with await self._log.reader({_CONTROL: self._position}) as reader:
            while reader.position(_CONTROL) < end:
                await self._read(reader)
            self._position = reader.position(_CONTROL)

    async def follow(self) -> None:
        """Read what is withdrawn from now on, until cancelled."""
        while True:
            try:
                async with await self._log.reader({_CONTROL: self._position}) as reader:
                    while True:
                        await self._read(reader)
                        self._position = reader.position(_CONTROL)
            except LogUnavailable as error:
                _logger.warning("expected to read withdrawals, but the log does not answer", error=str(error))
                await asyncio.sleep(PAUSE)

    async def _read(self, reader: Reader) -> None:
        for record in await reader.read(limit=1000, wait=1.0):
            self._take(record)

    def _take(self, record: Record) -> None:
        try:
            withdrawn = decode_withdrawn(record.value or b"")
        except Malformed as error:
            # No work is lost by it: what is withdrawn is refused when it is done.
            _logger.warning("passed over a withdrawal", position=record.position, error=str(error))
            return
        self._ids[withdrawn.task_id] = None
        if len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]
        self._withdraw(withdrawn.task_id)
