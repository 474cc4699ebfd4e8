"""Reads the offers of one queue and gives them to whoever polls, first come first served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from penstock.gateway.leases import Held, Leases
from penstock.log.port import (
    Batch,
    Log,
    LogError,
    LogUnavailable,
    Message,
    Record,
    Subscription,
    TopicMissing,
    TopicPartition,
)
from penstock.log.topics import dead_letters, tasks_topic
from penstock.messages.records import decode_task
from penstock.messages.wellformed import Malformed
from penstock.runtime.clock import Clock
from penstock.runtime.ids import new_id

_logger = structlog.get_logger("penstock.gateway")
_PAUSE: Final = 0.2
"""Seconds between commits, and before trying again."""


@dataclass(eq=False, slots=True)
class _Poll:
    worker: str
    types: Sequence[str] | None
    limit: int
    given: asyncio.Future[list[Held]]


class QueueFeed:
    """At most ``most`` offers wait in memory: then nothing more is read."""

    def __init__(self, log: Log, queue: str, *, clock: Clock, lease: timedelta, most: int) -> None:
        self.queue = queue
        self.leases = Leases(lease)
        self._log, self._clock, self._most = log, clock, most
        self._polls: dict[_Poll, None] = {}
        self._room = asyncio.Event()
        self._subscription: Subscription | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._commit_at = 0.0

    def ready(self) -> bool:
        return self._subscription is not None

    @property
    def polls(self) -> int:
        """How many workers wait for a task."""
        return len(self._polls)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                await self._subscribed()
            except (LogUnavailable, TopicMissing) as error:
                _logger.warning("the offers of a queue cannot be read", queue=self.queue, error=str(error))
                await asyncio.sleep(_PAUSE)

    async def next(self, worker: str, types: Sequence[str] | None, limit: int, wait: float) -> list[Held]:
        """At most ``limit`` offers, handed to ``worker``; where there are none, the first that come within ``wait``."""
        given = self._give(worker, types, limit)
        if given or wait <= 0:
            return given
        poll = _Poll(worker, types, limit, asyncio.get_running_loop().create_future())
        self._polls[poll] = None
        try:
            await asyncio.wait({poll.given}, timeout=wait)
        except asyncio.CancelledError:
            if poll.given.done():
                self.back(poll.given.result())
            raise
        finally:
            self._polls.pop(poll, None)
        return poll.given.result() if poll.given.done() else []

    def back(self, handed: Sequence[Held]) -> None:
        """These were not worked on after all."""
        for held in handed:
            self.leases.back(held)
        self._serve()

    def finish(self, task_id: str) -> None:
        self.leases.finish(task_id)
        self._make_room()

    def tick(self) -> None:
        """Offer again what was not finished in time."""
        if self.leases.expire(self._clock()):
            self._serve()

    def _give(self, worker: str, types: Sequence[str] | None, limit: int) -> list[Held]:
        now = self._clock()
        taken = self.leases.take(types, limit, now)
        for held in taken:
            self.leases.hand(held, new_id(), worker, now)
        if taken:
            self._make_room()
        return taken

    def _serve(self) -> None:
        """Who has waited longest chooses first."""
        for poll in list(self._polls):
            if not self.leases.waiting:
                return
            if not poll.given.done() and (given := self._give(poll.worker, poll.types, poll.limit)):
                poll.given.set_result(given)
                del self._polls[poll]

    def _make_room(self) -> None:
        if self.leases.waiting < self._most:
            self._room.set()

    async def _subscribed(self) -> None:
        topic = tasks_topic(self.queue)
        subscription = await self._log.subscribe(f"feed-{self.queue}", [topic], self._revoked)
        self._subscription = subscription
        try:
            while True:
                for record in await self._read(subscription):
                    await self._take(record)
                self._serve()
                await self._commit(subscription)
        finally:
            with contextlib.suppress(LogError):
                await subscription.commit(self.leases.positions())
            self._subscription = None
            await subscription.close()
            self.leases.revoked()

    async def _read(self, subscription: Subscription) -> Sequence[Record]:
        room = self._most - self.leases.waiting
        if room > 0:
            return await subscription.read(min(500, room), _PAUSE)
        self._room.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                await self._room.wait()
        return ()

    async def _take(self, record: Record) -> None:
        place = TopicPartition(record.topic, record.partition)
        try:
            task = decode_task(record.value or b"")
        except Malformed as error:
            await self._put_aside(record, error)
            self.leases.passed(place, record.position)
            return
        self.leases.offer(task, place, record.position)

    async def _put_aside(self, record: Record, error: Malformed) -> None:
        _logger.error("a record is not a task", topic=record.topic, position=record.position, error=str(error))
        origin = f"{record.topic}/{record.partition}/{record.position}".encode()
        headers = (("origin", origin), ("cause", str(error)[:1000].encode()), ("attempt", b"1"))
        message = Message(record.key, record.value, headers)
        await self._log.send([Batch(dead_letters(record.topic), record.partition, [message])])

    async def _commit(self, subscription: Subscription) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._commit_at:
            return
        self._commit_at = now + _PAUSE
        moved = {place: at for place, at in self.leases.positions().items() if self._committed.get(place) != at}
        if moved:
            await subscription.commit(moved)
            self._committed.update(moved)

    async def _revoked(self) -> None:
        try:
            if self._subscription is not None and (positions := self.leases.positions()):
                await self._subscription.commit(positions)
        finally:
            self._committed.clear()
            self.leases.revoked()
