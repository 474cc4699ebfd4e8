"""Commands on their way into the log: those that come while a write is under way go out together with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.log.admission import record_size
from penstock.log.port import Batch, Log, LogError, LogUnavailable, Message, RecordTooLarge, TopicPartition

MOST = 2_000
"""Messages of one write."""


@dataclass(eq=False, slots=True)
class _Letter:
    to: TopicPartition
    message: Message
    written: asyncio.Future[int]


class Sending:
    """Nobody lingers for company, and a caller that has gone does not take his command back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[_Letter] = []
        self._writing: asyncio.Task[None] | None = None

    async def send(self, to: TopicPartition, message: Message) -> int:
        """
        The position of ``message``, once it is durable.

        Raises:
            RecordTooLarge: the log does not take it; the others are not held up.
            LogUnavailable: it is unknown whether it was written.

        """
        size, limit = record_size(message), self._log.max_record
        if size > limit:
            raise RecordTooLarge(to.topic, message.key, size, limit)
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Letter(to, message, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="gateway-sending")
        return await written

    async def close(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        while self._waiting:
            letters, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            failure: LogError = LogUnavailable("expected a command to be written, but the gateway was stopped")
            try:
                firsts = await self._log.send(_batches(letters))
                _deliver(letters, firsts)
            except LogError as error:
                failure = error
            finally:
                for letter in letters:
                    if not letter.written.done():
                        letter.written.set_exception(failure)


def _batches(letters: list[_Letter]) -> list[Batch]:
    messages: dict[TopicPartition, list[Message]] = {}
    for letter in letters:
        messages.setdefault(letter.to, []).append(letter.message)
    return [Batch(topic, partition, of_one) for (topic, partition), of_one in messages.items()]


def _deliver(letters: list[_Letter], firsts: Mapping[TopicPartition, int]) -> None:
    positions = dict(firsts)
    for letter in letters:
        if not letter.written.done():
            letter.written.set_result(positions[letter.to])
        positions[letter.to] += 1
