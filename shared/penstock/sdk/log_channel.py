"""A worker's way to a queue whose transport is the log: a member of the queue's consumer group."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from penstock.domain.errors import Failure
from penstock.domain.execution.commands import ClaimTask, CompleteTask, FailTask, HeartbeatTask
from penstock.domain.subjects import root_of
from penstock.log.port import Log, LogUnavailable, Message, Record, Subscription, TopicPartition
from penstock.log.topics import COMMANDS, dead_letters, partition_of, tasks_topic
from penstock.messages.envelope import CONTENT_TYPE, Received, encode_command
from penstock.messages.records import Task, decode_task
from penstock.messages.registry import NAMES, Command
from penstock.messages.wellformed import Malformed
from penstock.runtime.clock import Clock
from penstock.runtime.ids import new_id
from penstock.sdk.errors import TransportUnavailable
from penstock.sdk.failures import too_large, worker_stopped
from penstock.sdk.log_outbox import LogOutbox
from penstock.sdk.outputs import OutputInvalid
from penstock.sdk.transport import Delivery, Joining
from penstock.sdk.watermark import Mark, Watermark
from penstock.sdk.withdrawals import Withdrawals

AHEAD: Final = 500
COMMIT_EVERY: Final = 0.5
FIRST_READ: Final = 0.5
"""Seconds after which a worker counts as ready, whether it was given a partition or not."""

PATIENCE: Final = 5.0
"""Seconds for what runs to end before partitions move away, and for the last results to be written."""

OVERHEAD: Final = 400
MAX_ID: Final = 200
_HEADERS: Final = (CONTENT_TYPE,)
_logger = structlog.get_logger("penstock.worker")


class LogDelivery(Delivery):
    __slots__ = ("claimed", "key", "mark", "partition")

    def __init__(self, task: Task, key: bytes, partition: int, mark: Mark, token: str) -> None:
        super().__init__(task, token)
        self.key, self.partition, self.mark, self.claimed = key, partition, mark, False


class LogChannel:
    """Made by ``LogTransport``. Positions are committed up to the first record that is neither finished nor claimed."""

    ahead = AHEAD

    def __init__(self, log: Log, joining: Joining, clock: Clock, partitions: int) -> None:
        self._log, self._joining, self._clock, self._partitions = log, joining, clock, partitions
        self._topic = tasks_topic(joining.queue)
        self._watermarks: dict[int, Watermark] = {}
        self._held: dict[str, LogDelivery] = {}
        self._outbox = LogOutbox(log)
        self._withdrawals = Withdrawals(log, joining.withdraw)
        self._closing, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._subscription: Subscription | None = None
        self._has_read = False

    async def enter(self) -> None:
        """Take a place in the group."""
        await self._withdrawals.catch_up()
        group = f"workers-{self._joining.queue}"
        self._subscription = await self._log.subscribe(group, [self._topic], self._revoked)

    @property
    def subscription(self) -> Subscription:
        if self._subscription is None:
            raise TypeError("expected the channel to be entered before it is used")
        return self._subscription

    async def run(self) -> None:
        background = [
            asyncio.create_task(work) for work in (self._outbox.run(), self._withdrawals.follow(), self._committing())
        ]
        closing = asyncio.create_task(self._closing.wait())
        try:
            done, _ = await asyncio.wait({closing, *background}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {closing}:
                task.result()
        finally:
            for task in (closing, *background):
                task.cancel()

    def ready(self) -> bool:
        """With more workers than partitions some have none, and are none the worse for it."""
        return self._subscription is not None and (self._has_read or bool(self._subscription.assigned()))

    async def fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        await self._outbox.room()
        try:
            records = await self.subscription.read(limit, wait if self._has_read else min(wait, FIRST_READ))
        except LogUnavailable as error:
            raise TransportUnavailable(str(error)) from error
        self._has_read = True
        return [delivery for record in records if (delivery := self._received(record)) is not None]

    async def claim(self, delivery: Delivery) -> bool:
        """From the acknowledgement on the engine owns the attempt's expiry, and the position may pass it."""
        assert isinstance(delivery, LogDelivery)
        task = delivery.task
        command = ClaimTask(visit=task.visit, attempt=task.attempt, worker=self._joining.worker, token=delivery.token)
        await self._sent(delivery, command, "claim")
        delivery.claimed = delivery.mark.done = True
        self._look_for_idleness()
        return True

    async def heartbeat(self, delivery: Delivery) -> bool:
        assert isinstance(delivery, LogDelivery)
        task = delivery.task
        beat = HeartbeatTask(visit=task.visit, attempt=task.attempt, token=delivery.token)
        await self._sent(delivery, beat, f"heartbeat/{new_id()}")
        return task.id not in self._withdrawals

    def complete(self, delivery: Delivery, output: object) -> None:
        assert isinstance(delivery, LogDelivery)
        task = delivery.task
        command = CompleteTask(
            visit=task.visit,
            attempt=task.attempt,
            output=output,
            token=delivery.token if delivery.claimed else None,
            worker=self._joining.worker,
        )
        try:
            message = self._message(delivery, command, "complete")
        except Malformed as error:
            self.fail(delivery, OutputInvalid(str(error)).failure)
            return
        limit = self._log.max_record - OVERHEAD
        if len(message.value or b"") > limit:
            self.fail(delivery, too_large(len(message.value or b""), limit))
            return
        self._outbox.put(COMMANDS, delivery.partition, message, lambda: self._finished(delivery))

    def fail(self, delivery: Delivery, failure: Failure) -> None:
        assert isinstance(delivery, LogDelivery)
        task = delivery.task
        command = FailTask(
            visit=task.visit,
            attempt=task.attempt,
            failure=failure,
            token=delivery.token if delivery.claimed else None,
            worker=self._joining.worker,
        )
        message = self._message(delivery, command, "fail")
        self._outbox.put(COMMANDS, delivery.partition, message, lambda: self._finished(delivery))

    def release(self, delivery: Delivery) -> None:
        """Its position is not committed, so the group hands it out again; a claimed one fails, and is tried again."""
        assert isinstance(delivery, LogDelivery)
        if delivery.claimed:
            self.fail(delivery, worker_stopped())
            return
        self._let_go(delivery)

    def discard(self, delivery: Delivery) -> None:
        assert isinstance(delivery, LogDelivery)
        self._finished(delivery)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._outbox.flush()
            await self._commit()
        except TimeoutError:
            _logger.warning("expected the last results to be written, but the log does not answer")
        except LogUnavailable as error:
            _logger.warning("expected positions to be committed: some tasks will be done again", error=str(error))
        await self.subscription.close()
        self._closing.set()

    def _received(self, record: Record) -> LogDelivery | None:
        watermark = self._watermarks.get(record.partition)
        if watermark is None:
            watermark = self._watermarks[record.partition] = Watermark()
        mark = watermark.read(record.position)
        try:
            task = decode_task(record.value or b"")
        except Malformed as error:
            self._bury(record, mark, error)
            return None
        if task.id in self._withdrawals or (task.start_by is not None and task.start_by <= self._clock()):
            mark.done = True  # the engine knows that it will not be done
            return None
        held = self._held.get(task.id)
        if held is not None:  # handed out again, by a rebalance for example, while we are at it
            mark.done = held.claimed
            held.mark = mark
            return None
        return self._delivery(record, task, mark)

    def _delivery(self, record: Record, task: Task, mark: Mark) -> LogDelivery:
        key = root_of(task.execution_id).encode()
        # The engine writes a task to the partition of its execution: counting a key's hash again is dear.
        same = key == record.key and 0 <= record.partition < self._partitions
        partition = record.partition if same else partition_of(key, self._partitions)
        delivery = LogDelivery(task, key, partition, mark, new_id() if task.claim else "")
        self._held[task.id] = delivery
        return delivery

    def _bury(self, record: Record, mark: Mark, error: Malformed) -> None:
        """Put aside what is no task, with where it came from and why; nothing waits for it."""
        _logger.error("a record is no task", topic=record.topic, position=record.position, error=str(error))
        headers = (
            *record.headers,
            ("origin", f"{record.topic}/{record.partition}/{record.position}".encode()),
            ("cause", f"MALFORMED: {error}"[:1000].encode()),
            ("attempt", b"1"),
        )
        value = (record.value or b"")[: self._log.max_record - OVERHEAD - 2000]
        message = Message(record.key[:1000], value, headers)
        self._outbox.put(dead_letters(record.topic), record.partition, message, lambda: setattr(mark, "done", True))

    def _message(self, delivery: LogDelivery, command: Command, verb: str) -> Message:
        task = delivery.task
        value = encode_command(
            Received(
                command=command,
                id=f"{task.id}/{verb}"[-MAX_ID:],  # the end of a long one tells attempts apart
                type=NAMES[type(command)],
                subject=task.execution_id,
                correlation_id=task.correlation_id,
                traceparent=task.traceparent,
            )
        )
        return Message(delivery.key, value, _HEADERS)

    async def _sent(self, delivery: LogDelivery, command: Command, verb: str) -> None:
        written = asyncio.get_running_loop().create_future()
        message = self._message(delivery, command, verb)
        self._outbox.put(COMMANDS, delivery.partition, message, _resolver(written))
        await written

    def _finished(self, delivery: LogDelivery) -> None:
        delivery.mark.done = True
        self._let_go(delivery)

    def _let_go(self, delivery: Delivery) -> None:
        if self._held.get(delivery.task.id) is delivery:
            del self._held[delivery.task.id]
        self._look_for_idleness()

    def _look_for_idleness(self) -> None:
        if not self._idle.is_set() and not any(d.begun and not d.claimed for d in self._held.values()):
            self._idle.set()

    async def _revoked(self) -> None:
        """Before partitions move: nothing new begins, what runs may end, and what is done is committed."""
        for delivery in [d for d in self._held.values() if not d.begun]:
            delivery.dropped = True
            del self._held[delivery.task.id]
        self._idle.clear()
        self._look_for_idleness()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._idle.wait()
        self._idle.set()
        await self._commit()
        self._watermarks.clear()

    async def _committing(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            try:
                await self._commit()
            except LogUnavailable as error:
                _logger.warning("expected positions to be committed, but the log does not answer", error=str(error))

    async def _commit(self) -> None:
        moved = {
            partition: position
            for partition, watermark in self._watermarks.items()
            if (position := watermark.advance()) is not None
        }
        if not moved:
            return
        watermarks = dict(self._watermarks)
        await self.subscription.commit({TopicPartition(self._topic, p): position for p, position in moved.items()})
        for partition, position in moved.items():
            watermarks[partition].committed(position)


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    return resolve
