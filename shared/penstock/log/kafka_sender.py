"""
Writes outside any ownership, on Kafka: what arrives while a round is under way goes out together with the next one.

So a hundred callers that each send one record cost a few requests, and nobody lingers.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.log.kafka_driver import Cluster, translated
from penstock.log.kafka_producer import Producer
from penstock.log.port import Batch, LogError, LogUnavailable, Message, TopicPartition


@dataclass(eq=False, slots=True)
class _Request:
    """What one caller wants to be written, and where it stands in the merged messages of each partition."""

    batches: Sequence[Batch]
    written: asyncio.Future[dict[TopicPartition, int]]
    starts: dict[TopicPartition, int] = field(default_factory=dict)


class Sender:
    """Sends batches, durably and in order; starts its producer at first use, and anew after a failure."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._producer: Producer | None = None
        self._waiting: list[_Request] = []
        self._rounds: asyncio.Task[None] | None = None

    async def send(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """
        The positions of the first record of each batch.

        Raises:
            LogUnavailable: it is unknown which batches were written.

        """
        request = _Request(batches, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run())
        return await request.written

    async def close(self) -> None:
        """Write what waits, and stop."""
        if self._rounds is not None:
            await asyncio.wait([self._rounds])
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def _run(self) -> None:
        while self._waiting:
            requests, self._waiting = self._waiting, []
            failure: LogError = LogUnavailable("expected a sender to write, but it was stopped")
            try:
                await self._round(requests)
            except LogError as error:
                failure = error
                await self._discard()
            finally:
                for request in requests:
                    if not request.written.done():
                        request.written.set_exception(failure)

    async def _round(self, requests: Sequence[_Request]) -> None:
        merged: defaultdict[TopicPartition, list[Message]] = defaultdict(list)
        for request in requests:
            for batch in request.batches:
                messages = merged[TopicPartition(batch.topic, batch.partition)]
                request.starts[TopicPartition(batch.topic, batch.partition)] = len(messages)
                messages.extend(batch.messages)
        if self._producer is None:
            self._producer = await Producer(self._cluster).start()
        producer = self._producer
        writes = [
            producer.encode(self._cluster.names.outer(topic), partition, messages)
            for (topic, partition), messages in merged.items()
        ]
        with translated("records to be written"):
            async with asyncio.timeout(self._cluster.timeout):
                offsets = await producer.send(writes)
        chunks = {
            partition: list(zip((chunk.start for chunk in write.chunks), of_write, strict=True))
            for partition, write, of_write in zip(merged, writes, offsets, strict=True)
        }
        for request in requests:
            if not request.written.done():
                request.written.set_result({p: _position(chunks[p], start) for p, start in request.starts.items()})

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.discard()


def _position(chunks: Sequence[tuple[int, int]], index: int) -> int:
    """Where message ``index`` stands, given the (first index, position) of each chunk."""
    start, position = next(chunk for chunk in reversed(chunks) if chunk[0] <= index)
    return position + index - start
