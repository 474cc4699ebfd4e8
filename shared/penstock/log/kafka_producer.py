"""One Kafka producer, made so that it can be bounded, judged and thrown away at any moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.transaction import EndTxnRequest

from penstock.log.kafka_driver import DRIVER_ERRORS, MAX_BATCH, Cluster, is_fence, translated
from penstock.log.port import Fenced, LogUnavailable, Message

_FAREWELL = 2.0


class Chunk(NamedTuple):
    """A part of what one partition gets, as one Kafka batch; ``start`` is the index of its first message."""

    builder: BatchBuilder
    start: int


class Write(NamedTuple):
    """What one partition gets, encoded. ``topic`` is the name on the cluster."""

    topic: str
    partition: int
    chunks: Sequence[Chunk]


class Producer:
    """
    Sends encoded batches, idempotently, and in transactions if it has a transactional id.

    After any exception it is to be discarded: the driver's producer is not to be used after one.
    """

    def __init__(self, cluster: Cluster, transactional_id: str | None = None) -> None:
        self._settings = settings = cluster.settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=cluster.bootstrap,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(settings.session_timeout * 1000),
            enable_idempotence=True,
            acks="all",
            max_batch_size=MAX_BATCH,
            linger_ms=0,
            compression_type=settings.compression,
            # The driver sleeps this long wherever it has to try again; a transaction that comes right after another
            # one of its id has to.
            retry_backoff_ms=20 if transactional_id else 100,
            request_timeout_ms=cluster.timeout_ms,
        )
        self._wire = _Wire(self._producer.client)
        self._followed: set[str] = set()

    async def start(self) -> Self:
        """
        Connect; with a transactional id, fence whoever had it, and end what they left open.

        Raises:
            LogUnavailable: it took too long.

        """
        try:
            with translated("a producer to start"):
                async with asyncio.timeout(self._settings.timeout):
                    await self._producer.start()
        except BaseException:
            await self.discard()
            raise
        return self

    @property
    def incarnation(self) -> int:
        """
        A number that is the cluster's own and grows with every start of the same transactional id.

        The cluster keeps the producer id of a transactional id and raises its epoch (16 bits) at each start; where the
        epochs are used up, it hands out a new producer id.
        """
        manager = self._producer._txn_manager
        return int(manager.producer_id) << 16 | int(manager.producer_epoch)

    def encode(self, topic: str, partition: int, messages: Sequence[Message]) -> Write:
        chunks = [Chunk(self._producer.create_batch(), 0)]
        for index, message in enumerate(messages):
            if not _append(chunks[-1].builder, message):
                chunks.append(Chunk(self._producer.create_batch(), index))
                _append(chunks[-1].builder, message)
        for chunk in chunks:
            chunk.builder.close()
        return Write(topic, partition, chunks)

    async def send(self, writes: Sequence[Write]) -> list[list[int]]:
        """For each of ``writes`` the positions of its chunks, all acknowledged. May raise the driver's errors."""
        await self._follow(writes)
        futures = [
            [
                await self._producer.send_batch(chunk.builder, write.topic, partition=write.partition)
                for chunk in write.chunks
            ]
            for write in writes
        ]
        # Every single one, before a commit: the driver commits a transaction of which a record was refused.
        acknowledged = await asyncio.gather(*(future for of_write in futures for future in of_write))
        offsets = iter([metadata.offset for metadata in acknowledged])
        positions = [[next(offsets) for _ in write.chunks] for write in writes]
        if any(position < 0 for of_write in positions for position in of_write):
            raise KafkaError("the broker does not know any more where the records were written")
        return positions

    async def _follow(self, writes: Sequence[Write]) -> None:
        """
        Have the driver keep its knowledge of the topics. What it learned when it started it does not track: the first
        refresh for another topic would forget it, and its sender would then ask for it in a loop without a pause.
        """
        for topic in {write.topic for write in writes} - self._followed:
            await self._producer.client.add_topic(topic)
            self._followed.add(topic)

    async def commit(self, writes: Sequence[Write]) -> list[list[int]]:
        """
        ``send`` as one transaction.

        Raises:
            Fenced: another producer has this transactional id; nothing was recorded.
            LogUnavailable: the outcome is unknown.

        """
        ends = self._wire.ends
        try:
            # A dead broker or a sleep past our session lets the driver wait for ever.
            async with asyncio.timeout(self._settings.session_timeout):
                await self._producer.begin_transaction()
                positions = await self.send(writes)
                await self._producer.commit_transaction()
        except DRIVER_ERRORS as error:
            self._look_at_failures()
            # A second attempt at the end of a transaction may be refused because the first one got through.
            if is_fence(error) and self._wire.ends - ends <= 1:
                raise Fenced(f"expected to own the partition, but somebody has taken it over: {error!r}") from error
            # After a time-out nobody is there to hear it; the next owner ends what is open.
            if self._wire.ends == ends and not isinstance(error, TimeoutError):
                await self._abort()
            raise LogUnavailable(f"expected a transaction to be committed, but: {error!r}") from error
        return positions

    async def stop(self) -> None:
        """Close in order, or throw away where that takes too long."""
        with contextlib.suppress(*DRIVER_ERRORS):
            async with asyncio.timeout(_FAREWELL):
                await self._producer.stop()
                return
        await self.discard()

    async def discard(self) -> None:
        """Throw the producer away, whatever it is doing: it sends nothing more."""
        self._wire.cut()
        with contextlib.suppress(*DRIVER_ERRORS):
            async with asyncio.timeout(_FAREWELL):
                await self._producer.stop()
        with contextlib.suppress(*DRIVER_ERRORS):
            async with asyncio.timeout(_FAREWELL):
                await self._producer.client.close()
        self._look_at_failures()

    def _look_at_failures(self) -> None:
        """Asyncio reports exceptions that nobody looked at, long after we have raised the one that counts."""
        batches = [batch for queue in self._producer._message_accumulator._batches.values() for batch in queue]
        futures = [future for batch in batches for future in (batch.future, batch._drain_waiter)]
        for future in (self._producer._txn_manager.wait_for_transaction_end(), *futures):
            if future is not None and future.done() and not future.cancelled():
                future.exception()

    async def _abort(self) -> None:
        """End the transaction now rather than by its time-out, as far as the driver is still able to."""
        with contextlib.suppress(*DRIVER_ERRORS):
            async with asyncio.timeout(_FAREWELL):
                await self._producer.abort_transaction()


class _Wire:
    """
    Stands between the driver's producer and its connections.

    It counts the requests to end a transaction, and can be cut: the driver retries for ever, in tasks that nobody else
    can reach, and an end of a transaction that is sent late must not be.
    """

    def __init__(self, client: Any) -> None:
        self.ends = 0
        self._cut = False
        self._sending: set[asyncio.Task[Any]] = set()
        self._send = client.send
        client.send = self.send

    async def send(self, node: Any, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        if self._cut:
            raise ConnectionAbortedError("this producer was discarded")
        if isinstance(request, EndTxnRequest):
            self.ends += 1
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        try:
            return await self._send(node, request, group=group)
        finally:
            self._sending.discard(task)

    def cut(self) -> None:
        self._cut = True
        for task in self._sending:
            task.cancel()


def _append(builder: BatchBuilder, message: Message) -> bool:
    """Whether the message still fitted."""
    taken = builder.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
    return taken is not None
