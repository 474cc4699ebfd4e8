"""The log of production: Apache Kafka, through aiokafka."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self

from penstock.log.admission import admit
from penstock.log.kafka_driver import Cluster, KafkaSettings, Names
from penstock.log.kafka_groups import KafkaMembership, KafkaSubscription
from penstock.log.kafka_ownership import Contested, KafkaOwnership
from penstock.log.kafka_reader import KafkaReader
from penstock.log.kafka_sender import Sender
from penstock.log.kafka_topics import Frontier, Topics
from penstock.log.port import Assignee, Batch, Mark, TopicPartition, TopicSpec

_CONTESTS = 4


class KafkaLog:
    """The topics of one prefix on one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._topics = Topics(cluster)
        self._frontier = Frontier(cluster, self._topics)
        self._sender = Sender(cluster)
        # What was opened here is closed with it, where it still is there.
        self._opened: weakref.WeakSet[KafkaReader | KafkaMembership | KafkaSubscription] = weakref.WeakSet()
        self._owned: set[KafkaOwnership] = set()

    @classmethod
    async def open(cls, bootstrap: str, prefix: str = "penstock", settings: KafkaSettings | None = None) -> Self:
        """
        A log at ``host:port[,host:port...]``.

        Raises:
            LogUnavailable: nobody answers there.

        """
        log = cls(Cluster(bootstrap, Names(prefix), settings or KafkaSettings()))
        try:
            await log._topics.start()
            await log._frontier.start()
        except BaseException:
            await log.close()
            raise
        return log

    @property
    def max_record(self) -> int:
        return self._cluster.settings.max_record

    async def topics(self) -> Mapping[str, int]:
        return await self._topics.counts()

    async def apply(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        return await self._topics.apply(specs)

    async def check(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        return await self._topics.check(specs)

    async def send(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        admit(batches, self.max_record)
        batches = [batch for batch in batches if batch.messages]
        await self._topics.require(TopicPartition(batch.topic, batch.partition) for batch in batches)
        positions = await self._sender.send(batches)
        for batch in batches:
            partition = TopicPartition(batch.topic, batch.partition)
            self._frontier.wrote(partition, positions[partition] + len(batch.messages))
        return positions

    async def first(self, partition: TopicPartition) -> int:
        return await self._frontier.first(partition)

    async def end(self, partition: TopicPartition) -> int:
        return (await self._frontier.ends([partition]))[partition]

    async def reader(self, starts: Mapping[TopicPartition, int]) -> KafkaReader:
        await self._topics.require(starts)
        reader = KafkaReader(self._cluster, self._frontier)
        self._opened.add(reader)
        return await reader.start(starts)

    def ownership(self, source: TopicPartition, mark: Mark) -> KafkaOwnership:
        """An ownership that is yet to be taken, for those who take its steps one by one."""
        ownership = KafkaOwnership(self._cluster, source, mark, self._topics, self._frontier)
        self._owned = {owned for owned in self._owned if not owned.released} | {ownership}
        return ownership

    async def take(self, source: TopicPartition, mark: Mark) -> KafkaOwnership:
        for attempt in range(_CONTESTS):
            ownership = self.ownership(source, mark)
            try:
                await ownership.take()
            except Contested:
                if attempt + 1 == _CONTESTS:
                    raise
            else:
                break
        return ownership

    async def join(self, group: str, topic: str, assignee: Assignee, member: str = "") -> KafkaMembership:
        await self._topics.require([TopicPartition(topic, 0)])
        membership = KafkaMembership(self._cluster, group, topic, assignee, member)
        self._opened.add(membership)
        return await membership.start()

    async def subscribe(
        self, group: str, topics: Sequence[str], on_revoke: Callable[[], Awaitable[None]] | None = None
    ) -> KafkaSubscription:
        await self._topics.require(TopicPartition(topic, 0) for topic in topics)
        subscription = KafkaSubscription(self._cluster, group, on_revoke)
        self._opened.add(subscription)
        return await subscription.start(topics)

    async def close(self) -> None:
        """Close everything that was opened here, memberships and ownerships included."""
        closing = [*(opened.close() for opened in self._opened), *(owned.release() for owned in self._owned)]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        await asyncio.gather(self._sender.close(), self._frontier.close(), self._topics.close())
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
