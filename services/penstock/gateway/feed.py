"""
Hands the tasks of http queues to workers, over HTTP and to those in this process.

A short task is leased: who does not finish in time loses it to the next who polls. A longer one is claimed at the
engine before it is handed out, and from then on the engine watches. Results are commands; the engine alone decides
about them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from penstock.catalog.state import Catalog
from penstock.domain.definition.model import Transport
from penstock.domain.errors import ErrorCode, Failure
from penstock.domain.execution.commands import ClaimTask, CompleteTask, ExecutionCommand, FailTask, HeartbeatTask
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.gateway.commander import AnswerLate, Commander, Order
from penstock.gateway.leases import Held
from penstock.gateway.queue_feed import QueueFeed
from penstock.log.port import Log, LogError, LogUnavailable, RecordTooLarge, TopicPartition
from penstock.log.topics import CATALOG, DEFAULT_QUEUE, TASKS_CONTROL
from penstock.messages.envelope import UnknownType, decode_event
from penstock.messages.offers import Offer
from penstock.messages.records import Answer, Token, decode_withdrawn
from penstock.messages.wellformed import Malformed
from penstock.runtime.clock import Clock, system_clock
from penstock.sdk.errors import TransportUnavailable

_logger = structlog.get_logger("penstock.gateway")
_TICK: Final = 0.25
_AGAIN: Final = 0.5
_TASK_ID: Final = re.compile(r"[^/]+/[^/]+/([0-9]{1,15})/([0-9]{1,15})")
_RESULTS: Final = ("/complete", "/fail")


class TaskFeed:
    """All http queues of the deployment, as this process sees them."""

    def __init__(
        self,
        log: Log,
        commander: Commander,
        *,
        clock: Clock = system_clock,
        default_transport: Transport = "log",
        lease: float = 30.0,
        max_offers: int = 5_000,
        answer_timeout: float = 10.0,
    ) -> None:
        self._log, self._commander, self._clock = log, commander, clock
        self._lease, self._most, self._patience = timedelta(seconds=lease), max_offers, answer_timeout
        self._catalog = Catalog(default=default_transport)
        self._feeds: dict[str, QueueFeed] = {}
        self._running: asyncio.TaskGroup | None = None
        self._changed = asyncio.Event()
        self._caught_up = False
        commander.observe = self._observe

    @property
    def queues(self) -> Sequence[QueueFeed]:
        return list(self._feeds.values())

    def ready(self) -> bool:
        return self._caught_up and all(feed.ready() for feed in self._feeds.values())

    async def run(self) -> None:
        """Follow catalog, withdrawals and queues until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._running = group
            if self._catalog.default == "http":
                self._open(DEFAULT_QUEUE)
            group.create_task(self._keep(self._follow_catalog), name="feed-catalog")
            group.create_task(self._keep(self._follow_withdrawals), name="feed-withdrawals")
            group.create_task(self._tick_on(), name="feed-leases")

    async def poll(
        self, queue: str, worker: str, types: Sequence[str] | None, limit: int, wait: float
    ) -> Sequence[Offer]:
        """
        At most ``limit`` tasks for ``worker``; waits up to ``wait`` seconds for the first.

        Raises:
            Rejected: the queue is not served over HTTP.
            TransportUnavailable: a task could not be claimed.

        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        feed = await self._feed(queue, wait)
        while feed is not None:
            handed = await feed.next(worker, types, limit, deadline - loop.time())
            with _translated():
                offers = await self._claimed(feed, handed)
            if offers or loop.time() >= deadline:
                return offers
        return ()

    async def complete(self, task_id: str, token: str, output: Any, worker: str) -> Token:
        """
        The result is in the log, and the engine took it (or has not answered yet: it will be decided all the same).

        Raises:
            Rejected: it counts for nothing: the attempt is over, or somebody else's.
            TransportUnavailable: it is unknown whether the log has it; say it again.

        """
        visit, attempt = _attempt(task_id)
        result = CompleteTask(visit=visit, attempt=attempt, output=output, token=token, worker=worker)
        return await self._report(task_id, token, result, "complete")

    async def fail(self, task_id: str, token: str, failure: Failure, worker: str) -> Token:
        """As ``complete``, for an attempt that failed."""
        visit, attempt = _attempt(task_id)
        result = FailTask(visit=visit, attempt=attempt, failure=failure, token=token, worker=worker)
        return await self._report(task_id, token, result, "fail")

    async def heartbeat(self, task_id: str, token: str) -> datetime:
        """
        Until when the lease holds now.

        Raises:
            Rejected: the task is withdrawn, done, or somebody else's: stop working on it.

        """
        visit, attempt = _attempt(task_id)
        feed, held = self._find(task_id)
        now = self._clock()
        if held is None or feed is None:
            if any(feed.leases.is_done(task_id) for feed in self._feeds.values()):
                raise Rejected(
                    RejectionCode.TASK_NOT_OPEN, f"expected an open task, but {task_id} is done or withdrawn"
                )
            await self._beat(task_id, HeartbeatTask(visit=visit, attempt=attempt, token=token))
            return now + self._lease
        _check_token(held, token)
        if _is_due(held, now):
            held.beaten = now
            await self._beat(task_id, HeartbeatTask(visit=visit, attempt=attempt, token=token))
        return feed.leases.beat(held, now)

    async def release(self, task_id: str, token: str) -> None:
        """Hand back undone: another worker gets it at once. One that was claimed ends as a failed attempt."""
        feed, held = self._find(task_id)
        if held is None or feed is None or held.token != token:
            return
        if held.claimed:
            failure = Failure(code=ErrorCode.TASK_LOST, message="its worker handed it back")
            await self.fail(task_id, token, failure, held.worker)
        else:
            feed.back([held])

    def tick(self) -> None:
        """Look at the clock: offer again what was not finished in time."""
        for feed in self._feeds.values():
            feed.tick()

    async def _feed(self, queue: str, wait: float) -> QueueFeed | None:
        """A worker may be there before the first definition that needs its queue."""
        deadline = asyncio.get_running_loop().time() + wait
        while (feed := self._feeds.get(queue)) is None:
            if self._catalog.queues.get(queue) == "log" or (queue == DEFAULT_QUEUE and self._catalog.default == "log"):
                raise Rejected(
                    RejectionCode.QUEUE_TRANSPORT_CONFLICT,
                    f"expected a queue with transport http, but {queue!r} is served by the log: let its workers read "
                    "the task topic, or declare `queues` in the definition before it is published for the first time",
                )
            changed = self._changed
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                return None
        return feed

    async def _claimed(self, feed: QueueFeed, handed: Sequence[Held]) -> list[Offer]:
        try:
            kept = await asyncio.gather(*(self._claim(feed, held) for held in handed if held.task.claim))
        except (asyncio.CancelledError, LogError):
            feed.back([held for held in handed if not held.claimed and self._is_held(feed, held)])
            raise
        given = {held.task.id for held in kept if held is not None}
        return [
            Offer(task=held.task, token=held.token, lease_until=held.until or self._clock())
            for held in handed
            if not held.task.claim or held.task.id in given
        ]

    async def _claim(self, feed: QueueFeed, held: Held) -> Held | None:
        """``held`` if the engine gave it to its worker. A claim that is in the log lets the offer be committed."""
        task = held.task
        command = ClaimTask(visit=task.visit, attempt=task.attempt, worker=held.worker, token=held.token)
        try:
            await self._commander.ask(self._order(task.id, command, f"claim/{held.token}"), self._patience)
        except Rejected:
            feed.finish(task.id)
            return None
        except AnswerLate:
            feed.back([held])
            return None
        if not self._is_held(feed, held):
            return None
        feed.leases.claim(held, self._clock())
        return held

    async def _report(self, task_id: str, token: str, result: ExecutionCommand, verb: str) -> Token:
        _, held = self._find(task_id)
        if held is not None:
            _check_token(held, token)
        try:
            with _translated():
                _, at = await self._commander.ask(self._order(task_id, result, verb), self._patience)
        except AnswerLate as late:
            at = late.token
        except Rejected:
            self._finish(task_id)
            raise
        self._finish(task_id)
        return at

    async def _beat(self, task_id: str, command: HeartbeatTask) -> None:
        """A heartbeat that nobody refused is a good one, whether it was answered or not."""
        try:
            await self._commander.ask(self._order(task_id, command, "heartbeat"), self._patience)
        except Rejected:
            self._finish(task_id)
            raise
        except (AnswerLate, LogUnavailable) as error:
            _logger.warning("a heartbeat was not answered", task=task_id, error=str(error))

    def _order(self, task_id: str, command: ExecutionCommand, verb: str) -> Order:
        _, held = self._find(task_id)
        more = (held.task.correlation_id, held.task.traceparent) if held else ("", "")
        return Order(command, task_id.rsplit("/", 3)[0], f"{task_id}/{verb}", "commands", *more)

    def _find(self, task_id: str) -> tuple[QueueFeed | None, Held | None]:
        for feed in self._feeds.values():
            if (held := feed.leases.find(task_id)) is not None:
                return feed, held
        return None, None

    def _is_held(self, feed: QueueFeed, held: Held) -> bool:
        return feed.leases.find(held.task.id) is held

    def _finish(self, task_id: str) -> None:
        for feed in self._feeds.values():
            feed.finish(task_id)

    def _observe(self, answer: Answer) -> None:
        """A worker may have come back to another gateway with what it got here."""
        for verb in _RESULTS:
            if answer.command_id.endswith(verb):
                self._finish(answer.command_id.removesuffix(verb))

    def _open(self, queue: str) -> None:
        if queue not in self._feeds and self._running is not None:
            feed = QueueFeed(self._log, queue, clock=self._clock, lease=self._lease, most=self._most)
            self._feeds[queue] = feed
            self._running.create_task(feed.run(), name=f"feed-{queue}")

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.tick()

    async def _keep(self, follow: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await follow()
            except LogUnavailable as error:
                _logger.warning("the log cannot be followed", error=str(error))
                await asyncio.sleep(_AGAIN)

    async def _follow_catalog(self) -> None:
        place = TopicPartition(CATALOG, 0)
        self._catalog = Catalog(default=self._catalog.default)
        end = await self._log.end(place)
        async with await self._log.reader({place: await self._log.first(place)}) as reader:
            while True:
                self._caught_up = self._caught_up or reader.position(place) >= end
                for record in await reader.read(wait=1.0 if self._caught_up else 0.1):
                    self._learn(record.value or b"")

    def _learn(self, value: bytes) -> None:
        try:
            recorded = decode_event(value)
        except UnknownType as error:
            _logger.warning("an event of the catalog is from a later release", error=str(error))
            return
        self._catalog = self._catalog.after(recorded.subject, recorded.event)
        for queue, transport in self._catalog.queues.items():
            if transport == "http":
                self._open(queue)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _follow_withdrawals(self) -> None:
        place = TopicPartition(TASKS_CONTROL, 0)
        async with await self._log.reader({place: await self._log.end(place)}) as reader:
            while True:
                for record in await reader.read(wait=1.0):
                    try:
                        self._finish(decode_withdrawn(record.value or b"").task_id)
                    except Malformed as error:
                        _logger.warning("a record is not a withdrawal", position=record.position, error=str(error))


@contextmanager
def _translated() -> Iterator[None]:
    """Workers know refusals, and that the other side does not answer: nothing else."""
    try:
        yield
    except Malformed as error:
        raise Rejected(RejectionCode.MALFORMED, str(error)) from error
    except RecordTooLarge as error:
        raise Rejected(RejectionCode.PAYLOAD_TOO_LARGE, str(error)) from error
    except LogError as error:
        raise TransportUnavailable(str(error)) from error


def _attempt(task_id: str) -> tuple[int, int]:
    """The visit and attempt that a task's id names."""
    match = _TASK_ID.fullmatch(task_id)
    if match is None:
        detail = f"expected an id execution/step/visit/attempt, but got {task_id[:200]!r}"
        raise Rejected(RejectionCode.ID_INVALID, detail)
    return int(match[1]), int(match[2])


def _is_due(held: Held, now: datetime) -> bool:
    """Whether the engine has to hear of a heartbeat: of the leases it does not watch, and too soon, it need not."""
    every = held.task.heartbeat
    return bool(held.claimed and every and held.beaten and now - held.beaten >= timedelta(seconds=every / 2))


def _check_token(held: Held, token: str) -> None:
    if held.token != token:
        raise Rejected(
            RejectionCode.ATTEMPT_SUPERSEDED,
            f"expected the token of {held.worker}, who has {held.task.id} now, but got that of an earlier lease",
        )
