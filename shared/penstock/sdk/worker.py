"""Takes tasks of one or more queues, has each done by its handler, and reports what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from penstock.domain.errors import Failure
from penstock.runtime.clock import Clock, system_clock
from penstock.runtime.ids import new_id
from penstock.runtime.supervise import supervise
from penstock.sdk.beats import Beats, beat
from penstock.sdk.connect import transport_at
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import HandlerInvalid, TransportUnavailable
from penstock.sdk.failures import failure_of, handler_missing
from penstock.sdk.lane import Lane
from penstock.sdk.task import Handlers, handlers_of
from penstock.sdk.threads import Threads
from penstock.sdk.transport import Channel, Delivery, Joining, Transport
from penstock.sdk.work import Work, arguments_of, call, call_in_thread, result_of

LONG_POLL: Final = 5.0
PAUSE: Final = 1.0
ABANDON: Final = 2.0
"""Seconds that a cancelled handler has to clean up when the worker stops for good."""

_logger = structlog.get_logger("penstock.worker")


class Worker:
    """
    Does the tasks of ``handlers``, which come by ``transport``: a transport, or the URL of a log or of a gateway.

    At most ``concurrency`` async handlers and ``threads`` sync ones run at a time. ``stop`` (or SIGTERM, under
    ``main``) lets what runs end for ``grace`` seconds, and hands back the rest.
    """

    def __init__(
        self,
        handlers: Handlers,
        transport: Transport | str,
        *,
        identity: str = "",
        queues: Sequence[str] = (),
        concurrency: int = 50,
        threads: int = 16,
        grace: float = 20.0,
        clock: Clock = system_clock,
    ) -> None:
        self.name = "worker"
        self.identity = identity or f"{socket.gethostname()}-{os.getpid()}-{new_id()[-6:]}"
        self._handlers = {handler.type: handler for handler in handlers_of(handlers)}
        if not self._handlers:
            raise HandlerInvalid("expected at least one handler: a function with @task, or a module that has one")
        self._queues = tuple(queues) or tuple(sorted({handler.queue for handler in self._handlers.values()}))
        self._transport = transport_at(transport) if isinstance(transport, str) else transport
        self._concurrency, self._thread_count, self._grace, self._clock = concurrency, threads, grace, clock
        self._works: dict[str, Work] = {}
        self._channels: list[Channel] = []
        self._unknown: set[str] = set()
        self._stopping = asyncio.Event()
        self._room = asyncio.Event()
        self._background: list[asyncio.Task[Any]] = []

    def main(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit code for the process."""
        return asyncio.run(supervise([self]))

    async def run(self) -> None:
        """Work until ``stop``."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._threads, self._beats = Threads(self._thread_count), Beats()
        self._on_loop: Lane[Work] = Lane(self._concurrency, self._do, self._fall)
        self._in_threads: Lane[Work] = Lane(self._thread_count, self._do, self._fall)
        self._watch(self._beats.run())
        stopping = asyncio.create_task(self._stopping.wait())
        serving = [asyncio.create_task(self._serve(queue)) for queue in self._queues]
        try:
            ends: set[asyncio.Future[Any]] = {stopping, self._failed, *serving}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await _cancelled(serving)
            await self._drain()
            for done in (self._failed, *serving):
                if done.done() and not done.cancelled():
                    done.result()
        finally:
            runners = {*self._on_loop.runners, *self._in_threads.runners}
            for task in (stopping, *serving, *self._background, *runners):
                task.cancel()
            self._failed.cancel()
            self._threads.close()
            await self._transport.close()

    async def stop(self) -> None:
        self._stopping.set()

    def ready(self) -> bool:
        """Whether every queue is being served."""
        return len(self._channels) == len(self._queues) and all(channel.ready() for channel in self._channels)

    @property
    def in_hand(self) -> int:
        """How many tasks are being done, or wait here to be."""
        return len(self._works)

    async def _serve(self, queue: str) -> None:
        joining = Joining(
            worker=self.identity, queue=queue, types=tuple(sorted(self._handlers)), withdraw=self._withdraw
        )
        channel = await self._transport.open(joining)
        self._channels.append(channel)
        self._watch(channel.run())
        while True:
            room = self._concurrency + channel.ahead - len(self._works)
            if room < max(channel.ahead // 4, 1):
                self._room.clear()
                await self._room.wait()
                continue
            try:
                for delivery in await channel.fetch(room, LONG_POLL):
                    self._take(delivery, channel)
            except TransportUnavailable as error:
                _logger.warning("no tasks just now", queue=queue, error=str(error))
                await asyncio.sleep(PAUSE)

    def _take(self, delivery: Delivery, channel: Channel) -> None:
        task = delivery.task
        handler = self._handlers.get(task.task)
        if handler is None:
            self._refuse(delivery, channel)
            return
        work = self._works[task.id] = Work(delivery, channel, handler)
        (self._on_loop if handler.is_async or handler.inline else self._in_threads).put(work)

    def _refuse(self, delivery: Delivery, channel: Channel) -> None:
        """Nothing waits in silence: the step fails, is tried again, and says at last which handler is missing."""
        kind, queue = delivery.task.task, delivery.task.queue
        if kind not in self._unknown:
            self._unknown.add(kind)
            known = sorted(self._handlers)
            _logger.error("tasks come for which there is no handler", type=kind, queue=queue, known=known)
        channel.fail(delivery, handler_missing(kind, queue))

    async def _do(self, work: Work) -> None:
        delivery, channel = work.delivery, work.channel
        if delivery.dropped or work.unwanted:
            self._forget(work)
            return
        delivery.begun = True
        runner = work.runner = asyncio.current_task()
        assert runner is not None
        late: asyncio.Future[Any] | None = None
        outcome: Any = None
        try:
            if (delivery.task.claim or delivery.lease_until) and not await channel.claim(delivery):
                work.unwanted = True
            else:
                outcome, late = await self._outcome(work)
        except asyncio.CancelledError as error:
            if not (work.unwanted or work.handed_back):
                if runner.cancelling():
                    raise
                outcome = failure_of(error)  # something that the handler waited for was cancelled
            while runner.cancelling():
                runner.uncancel()
        work.runner = None
        self._report(work, outcome)
        if late is not None:
            await asyncio.wait({late})  # its thread is not free before

    async def _outcome(self, work: Work) -> tuple[Any, asyncio.Future[Any] | None]:
        handler, delivery = work.handler, work.delivery
        limit = delivery.task.timeout
        if handler.inputs.context is not None:
            deadline = None if limit is None else self._clock() + timedelta(seconds=limit)
            beats = delivery.task.claim or delivery.lease_until is not None
            work.context = TaskContext(delivery.task, deadline, (lambda: self._beat(work)) if beats else None)
        arguments = arguments_of(handler, delivery.task, work.context)
        if isinstance(arguments, Failure):
            return arguments, None
        interval = self._beats_every(delivery, limit)
        if interval is not None:
            self._beats.start(work, interval)
        try:
            if handler.is_async or handler.inline:
                return await call(handler, arguments, limit), None
            outcome, late = await call_in_thread(self._threads, handler, arguments, limit)
            if late is not None and work.context is not None:
                work.context.cancelled.set()
            return outcome, late
        finally:
            if interval is not None:
                self._beats.stop(work)

    async def _beat(self, work: Work) -> bool:
        await beat(work)
        return not work.unwanted

    def _beats_every(self, delivery: Delivery, limit: float | None) -> float | None:
        """What the step asks for; or often enough to keep a lease that is shorter than the work may be."""
        interval = delivery.task.heartbeat
        if delivery.lease_until is None:
            return interval
        left = max((delivery.lease_until - self._clock()).total_seconds(), 0.1)
        if limit is not None and limit <= left:
            return interval
        return min(left, interval or left)

    def _report(self, work: Work, outcome: Any) -> None:
        delivery, channel = work.delivery, work.channel
        self._forget(work)
        if work.unwanted:
            channel.discard(delivery)
        elif work.handed_back:
            channel.release(delivery)
        else:
            result = result_of(outcome)
            if isinstance(result, Failure):
                channel.fail(delivery, result)
            else:
                channel.complete(delivery, result)

    def _forget(self, work: Work) -> None:
        if self._works.get(work.delivery.task.id) is work:
            del self._works[work.delivery.task.id]
        self._room.set()

    def _withdraw(self, task_id: str) -> None:
        work = self._works.get(task_id)
        if work is None:
            return
        _logger.info("a task was withdrawn", task=task_id, begun=work.delivery.begun)
        work.withdraw()
        if not work.delivery.begun:
            work.channel.discard(work.delivery)

    async def _drain(self) -> None:
        """Let end what runs, hand back what does not, and report all of it."""
        for work in (*self._on_loop.clear(), *self._in_threads.clear()):
            self._forget(work)
            if not (work.unwanted or work.delivery.dropped):
                work.channel.release(work.delivery)
        if self._works:
            _logger.info("finishing what runs", tasks=len(self._works), grace=self._grace)
        await self._nothing_in_hand(self._grace)
        for work in list(self._works.values()):
            work.hand_back()
        await self._nothing_in_hand(ABANDON)
        for work in list(self._works.values()):  # it holds on to its cancellation
            self._report(work, None)
        for channel in self._channels:
            await channel.close()

    async def _nothing_in_hand(self, patience: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._works:
                    self._room.clear()
                    await self._room.wait()

    def _watch(self, work: Any) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._background_ended)
        self._background.append(task)

    def _background_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fall(error)

    def _fall(self, error: BaseException) -> None:
        """A defect of ours: stop, and say so."""
        if not self._failed.done():
            self._failed.set_exception(error)


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
