"""What the tests of the Kafka adapter have in common: its topics, messages, marks, and a gate in the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.errors import RequestTimedOutError

from penstock.log.kafka_driver import KafkaSettings
from penstock.log.kafka_ownership import KafkaOwnership
from penstock.log.port import Batch, Log, Message, TopicPartition, TopicSpec

# Brokers take no group session below six seconds.
QUICK = KafkaSettings(session_timeout=6.0, rebalance_timeout=6.0)
COMMANDS = TopicSpec("commands", 2, retention=3600, append_time=True)
EVENTS = TopicSpec("events", 2, retention=None)
SOURCE = TopicPartition("commands", 0)
OUTPUT = TopicPartition("events", 0)


def batch(*values: bytes, to: TopicPartition = OUTPUT) -> Batch:
    return Batch(to.topic, to.partition, [Message(b"key", value) for value in values])


def mark(epoch: int, turn: int) -> Batch:
    return batch(f"mark {epoch} {turn}".encode())


async def values(log: Log, partition: TopicPartition = OUTPUT) -> list[bytes]:
    """The values of all records of ``partition`` that are readable now, marks left out."""
    end = await log.end(partition)
    out: list[bytes] = []
    async with await log.reader({partition: await log.first(partition)}) as reader:
        while reader.position(partition) < end:
            out += [record.value or b"" for record in await reader.read(wait=1.0)]
    return [value for value in out if not value.startswith(b"mark")]


@asynccontextmanager
async def owning(log: Any, source: TopicPartition = SOURCE) -> AsyncIterator[KafkaOwnership]:
    ownership = await log.take(source, mark)
    try:
        yield ownership
    finally:
        await ownership.release()


class Gate:
    """Holds up the first request of a kind, or its answer on the way back, until it is opened."""

    def __init__(self, ownership: KafkaOwnership, request: str, *, answer: bool = False) -> None:
        self._request, self._answer = request, answer
        self.reached, self._open = asyncio.Event(), asyncio.Event()
        for producer in ownership._producers.values():
            producer._wire._send = self._through(producer._wire._send)

    def open(self) -> None:
        self._open.set()

    def _through(self, send: Any) -> Any:
        async def gated(node: Any, request: Any, **options: Any) -> Any:
            if type(request).__name__ != self._request or self.reached.is_set():
                return await send(node, request, **options)
            if not self._answer:
                self.reached.set()
                await self._open.wait()
                return await send(node, request, **options)
            await send(node, request, **options)
            self.reached.set()
            await self._open.wait()
            raise RequestTimedOutError

        return gated


def interleavings(left: Sequence[Any], right: Sequence[Any]) -> list[list[Any]]:
    """Every order of the steps of both that keeps the order of each."""
    if not left or not right:
        return [[*left, *right]]
    return [[left[0], *rest] for rest in interleavings(left[1:], right)] + [
        [right[0], *rest] for rest in interleavings(left, right[1:])
    ]
