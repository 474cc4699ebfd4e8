"""Groups that share partitions, on Kafka: of those that own them (``join``), and of readers (``subscribe``)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import aiokafka
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from penstock.log.kafka_driver import Cluster, translated
from penstock.log.kafka_reader import stop_consumer
from penstock.log.port import Assignee, LogUnavailable, Record, TopicPartition

# The driver's check of whether we still read is of no use to a member that never does.
_FOR_EVER_MS = 10**12


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc]  # the driver is untyped
    """
    A place in a group. Nothing is fetched: the partitions are paused at once.

    A failure of the assignee's callbacks, or of the group, is kept (the driver would only log it) and raised by
    ``report`` and ``close``.
    """

    def __init__(self, cluster: Cluster, group: str, topic: str, assignee: Assignee, member: str) -> None:
        self._cluster, self._topic, self._assignee = cluster, topic, assignee
        self._serving = self._closed = False
        self._failure: BaseException | None = None
        self._one = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None
        self._consumer = group_consumer(
            cluster, group, group_instance_id=member or None, max_partition_fetch_bytes=1, fetch_max_bytes=1
        )

    async def start(self) -> Self:
        await start_consumer(self._consumer, self._cluster)
        self._consumer.subscribe([self._cluster.names.outer(self._topic)], listener=self)
        self._watch = asyncio.create_task(self._watching())
        return self

    async def report(self, positions: Mapping[int, int]) -> None:
        self._raise_failure()
        offsets = {TopicPartition(self._topic, number): position for number, position in positions.items()}
        await commit_held(self._consumer, self._cluster, offsets)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        async with self._one:
            await self._revoke()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await stop_consumer(self._consumer)
        self._raise_failure()

    async def on_partitions_revoked(self, revoked: Iterable[aiokafka.TopicPartition]) -> None:
        async with self._one:
            await self._keeping(self._revoke())

    async def on_partitions_assigned(self, assigned: Iterable[aiokafka.TopicPartition]) -> None:
        partitions = list(assigned)
        self._consumer.pause(*partitions)
        async with self._one:
            if not self._closed:
                self._serving = True
                await self._keeping(self._assignee.assign(frozenset(p.partition for p in partitions)))

    async def _revoke(self) -> None:
        if self._serving:
            self._serving = False
            await self._assignee.revoke()

    async def _keeping(self, callback: Awaitable[None]) -> None:
        try:
            await callback
        except BaseException as error:
            self._failure = error
            raise

    async def _watching(self) -> None:
        """Read nothing, everything being paused: the driver tells of errors of the group only those who read."""
        while True:
            try:
                await self._consumer.getmany(timeout_ms=1000)
            except KafkaError as error:
                self._failure = error
                # The driver has stopped keeping our place; it takes it up again now that the error was fetched.
                async with self._one:
                    await self._keeping(self._revoke())
                await asyncio.sleep(1)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is None and self._watch is not None and self._watch.done() and not self._closed:
            failure = LogUnavailable("the driver has stopped")
        if failure is not None:
            raise LogUnavailable(f"expected a place in the group for {self._topic!r}, but: {failure!r}") from failure


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # the driver is untyped
    """Reading in a group, with positions that are committed by hand."""

    def __init__(self, cluster: Cluster, group: str, on_revoke: Callable[[], Awaitable[None]] | None) -> None:
        self._cluster, self._names, self._on_revoke = cluster, cluster.names, on_revoke
        self._failure: BaseException | None = None
        self._consumer = group_consumer(cluster, group)

    async def start(self, topics: Sequence[str]) -> Self:
        await start_consumer(self._consumer, self._cluster)
        self._consumer.subscribe([self._names.outer(topic) for topic in topics], listener=self)
        return self

    async def read(self, limit: int = 500, wait: float = 0.0) -> Sequence[Record]:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        with translated("records"):
            fetched = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        return self._names.records(fetched)

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        await commit_held(self._consumer, self._cluster, positions)

    def assigned(self) -> frozenset[TopicPartition]:
        return frozenset(map(self._names.from_kafka, self._consumer.assignment()))

    async def close(self) -> None:
        await stop_consumer(self._consumer)

    async def on_partitions_revoked(self, revoked: Iterable[aiokafka.TopicPartition]) -> None:
        if self._on_revoke is None or not list(revoked):
            return
        try:
            await self._on_revoke()
        except BaseException as error:
            # The driver would only log it; the next read raises it.
            self._failure = error
            raise

    async def on_partitions_assigned(self, assigned: Iterable[aiokafka.TopicPartition]) -> None:
        pass


def group_consumer(cluster: Cluster, group: str, **options: Any) -> AIOKafkaConsumer:
    settings = cluster.settings
    session = int(settings.session_timeout * 1000)
    return AIOKafkaConsumer(
        bootstrap_servers=cluster.bootstrap,
        group_id=cluster.names.group(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        session_timeout_ms=session,
        heartbeat_interval_ms=session // 4,
        rebalance_timeout_ms=int(settings.rebalance_timeout * 1000),
        max_poll_interval_ms=_FOR_EVER_MS,
        request_timeout_ms=cluster.timeout_ms,
        # Exactly one: with more the driver joins the group once for each.
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        **options,
    )


async def start_consumer(consumer: AIOKafkaConsumer, cluster: Cluster) -> None:
    try:
        with translated("a group member to start"):
            async with asyncio.timeout(cluster.timeout):
                await consumer.start()
    except BaseException:
        await stop_consumer(consumer)
        raise


async def commit_held(consumer: AIOKafkaConsumer, cluster: Cluster, positions: Mapping[TopicPartition, int]) -> None:
    """Commit the positions of those partitions that are still ours."""
    held = consumer.assignment()
    offsets = {
        cluster.names.to_kafka(p): position for p, position in positions.items() if cluster.names.to_kafka(p) in held
    }
    if not offsets:
        return
    # Both mean that the partitions moved away between the question and the commit.
    with translated("positions to be committed"), contextlib.suppress(CommitFailedError, IllegalStateError):
        async with asyncio.timeout(cluster.timeout):
            await consumer.commit(offsets)
