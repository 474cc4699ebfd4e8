"""A worker's way to a queue that is handed out by a feed: the gateway's, over HTTP or in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import structlog

from penstock.domain.errors import ErrorCode, Failure
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.runtime.clock import Clock
from penstock.sdk.errors import TransportUnavailable
from penstock.sdk.outputs import OUTPUT_INVALID
from penstock.sdk.transport import Delivery, Joining, TaskFeed

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
PATIENCE: Final = 5.0
BEYOND_LEASE: Final = timedelta(seconds=60)
"""How long a result is still offered after its lease: later, somebody else has done the task."""

_INSTEAD: Final = {
    RejectionCode.PAYLOAD_TOO_LARGE: ErrorCode.PAYLOAD_TOO_LARGE.value,
    RejectionCode.MALFORMED: OUTPUT_INVALID,
}
_logger = structlog.get_logger("penstock.worker")


class _Order(NamedTuple):
    delivery: Delivery
    verb: str
    send: Callable[[], Awaitable[object]]


class FeedChannel:
    """``senders`` is how many results may be under way at once."""

    def __init__(self, feed: TaskFeed, joining: Joining, clock: Clock, *, ahead: int, senders: int) -> None:
        self._feed, self._joining, self._clock = feed, joining, clock
        self.ahead = ahead
        self._senders = senders
        self._held: dict[str, Delivery] = {}
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()
        self._closing = asyncio.Event()
        self._reached = False

    async def run(self) -> None:
        senders = [asyncio.create_task(self._sending()) for _ in range(self._senders)]
        closing = asyncio.create_task(self._closing.wait())
        try:
            done, _ = await asyncio.wait({closing, *senders}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {closing}:
                task.result()
        finally:
            for task in (closing, *senders):
                task.cancel()

    def ready(self) -> bool:
        return self._reached

    async def fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        try:
            offers = await self._feed.poll(self._joining.queue, self._joining.worker, self._joining.types, limit, wait)
        except TransportUnavailable:
            self._reached = False
            raise
        except Rejected as refusal:
            self._reached = False
            raise TransportUnavailable(f"expected tasks, but was refused: {refusal}") from refusal
        self._reached = True
        fresh = []
        for offer in offers:
            held = self._held.get(offer.task.id)
            if held is not None:  # our lease ended while we are at it, and it came back to us
                held.token, held.lease_until = offer.token, offer.lease_until
                continue
            delivery = self._held[offer.task.id] = Delivery(offer.task, offer.token, offer.lease_until)
            fresh.append(delivery)
        return fresh

    async def claim(self, delivery: Delivery) -> bool:
        """The feed claimed it when it handed the task out. What waited here past its lease is somebody else's."""
        return delivery.lease_until is None or delivery.lease_until > self._clock()

    async def heartbeat(self, delivery: Delivery) -> bool:
        try:
            delivery.lease_until = await self._feed.heartbeat(delivery.task.id, delivery.token)
        except Rejected:
            return False
        except TransportUnavailable as error:
            _logger.warning("a heartbeat was not heard", task=delivery.task.id, error=str(error))
        return True

    def complete(self, delivery: Delivery, output: object) -> None:
        task_id = delivery.task.id
        self._order(
            delivery,
            "complete",
            lambda: self._feed.complete(task_id, delivery.token, output, self._joining.worker),
        )

    def fail(self, delivery: Delivery, failure: Failure) -> None:
        task_id = delivery.task.id
        self._order(delivery, "fail", lambda: self._feed.fail(task_id, delivery.token, failure, self._joining.worker))

    def release(self, delivery: Delivery) -> None:
        self._order(delivery, "release", lambda: self._feed.release(delivery.task.id, delivery.token))

    def discard(self, delivery: Delivery) -> None:
        self._held.pop(delivery.task.id, None)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._orders.join()
        except TimeoutError:
            _logger.warning("expected the last results to be taken, but nobody answers", results=self._orders.qsize())
        self._closing.set()

    def _order(self, delivery: Delivery, verb: str, send: Callable[[], Awaitable[object]]) -> None:
        self._orders.put_nowait(_Order(delivery, verb, send))

    async def _sending(self) -> None:
        while True:
            order = await self._orders.get()
            try:
                await self._send(order)
            finally:
                self._held.pop(order.delivery.task.id, None)
                self._orders.task_done()

    async def _send(self, order: _Order) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await order.send()
                return
            except Rejected as refusal:
                self._refused(order, refusal)
                return
            except TransportUnavailable as error:
                lease = order.delivery.lease_until
                if lease is not None and self._clock() > lease + BEYOND_LEASE:
                    _logger.warning("gave up a result", task=order.delivery.task.id, error=str(error))
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _refused(self, order: _Order, refusal: Rejected) -> None:
        """A result that comes too late changes nothing. One that cannot be stored is the failure of the task."""
        code = _INSTEAD.get(refusal.code)
        if order.verb == "complete" and code is not None:
            self.fail(order.delivery, Failure(code=code, message=refusal.detail[:2000], retryable=False))
            return
        _logger.info("a result was refused", task=order.delivery.task.id, verb=order.verb, code=refusal.code)
