"""Reads committed records of given partitions, on Kafka: a consumer without a group, assigned and sought by us."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaConsumer

from penstock.log.kafka_driver import DRIVER_ERRORS, Cluster, translated
from penstock.log.kafka_topics import Frontier
from penstock.log.port import LogUnavailable, Record, TopicPartition

# How long the broker holds an idle fetch; it answers at once when something becomes readable.
_LONG_POLL = 0.1
_FAREWELL = 5.0


class KafkaReader:
    def __init__(self, cluster: Cluster, frontier: Frontier) -> None:
        self._cluster, self._names, self._frontier = cluster, cluster.names, frontier
        self._positions: dict[TopicPartition, int] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=cluster.bootstrap,
            enable_auto_commit=False,
            # A position that is gone is an error, never a silent jump.
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=int(_LONG_POLL * 1000),
            request_timeout_ms=cluster.timeout_ms,
        )

    async def start(self, starts: Mapping[TopicPartition, int]) -> Self:
        try:
            with translated("a reader to start"):
                async with asyncio.timeout(self._cluster.timeout):
                    await self._consumer.start()
                self._consumer.assign([self._names.to_kafka(partition) for partition in starts])
                for partition, position in starts.items():
                    self.seek(partition, position)
                # Lets the driver's tasks begin: one that is cancelled before it has begun takes ``stop`` with it.
                await asyncio.sleep(0)
        except BaseException:
            await self.close()
            raise
        return self

    async def read(self, limit: int = 1000, wait: float = 0.0) -> Sequence[Record]:
        records = await self._poll(limit, wait)
        # Within a short wait no fetch may have come back: an empty answer would not mean that nothing is there.
        if not records and wait < 2 * _LONG_POLL:
            return await self._surely(limit)
        return records

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def seek(self, partition: TopicPartition, position: int) -> None:
        self._consumer.seek(self._names.to_kafka(partition), position)
        self._positions[partition] = position

    async def close(self) -> None:
        await stop_consumer(self._consumer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _surely(self, limit: int) -> Sequence[Record]:
        """Records, or nothing once every position is behind what the log holds now."""
        ends = await self._frontier.ends(list(self._positions))
        deadline = asyncio.get_running_loop().time() + self._cluster.timeout
        while any(self._positions[partition] < end for partition, end in ends.items()):
            records = await self._poll(limit, _LONG_POLL)
            if records:
                return records
            if asyncio.get_running_loop().time() > deadline:
                raise LogUnavailable(f"expected records before {ends}, but none came")
        return ()

    async def _poll(self, limit: int, wait: float) -> Sequence[Record]:
        with translated("records"):
            # The driver's own time-out: a cancelled ``getmany`` leaves its bookkeeping wrong.
            fetched = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
            for partition in self._positions:
                # The driver passes over the markers of transactions: the last record does not say where it stands.
                self._positions[partition] = await self._consumer.position(self._names.to_kafka(partition))
        return self._names.records(fetched)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop ``consumer``, or leave it where the cluster does not let it go."""
    # In a task: ``stop`` is cancelled along with what it cancels, where that had not begun.
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_FAREWELL)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    stopping.cancel()
    with contextlib.suppress(*DRIVER_ERRORS):
        async with asyncio.timeout(_FAREWELL):
            await consumer._client.close()
