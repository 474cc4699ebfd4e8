"""
The exclusive right to an input partition, on Kafka: two transactional ids that belong to the partition, used in turn.

One id alone would wait 20 to 100 ms between two transactions, because the cluster still writes the markers of the one
when the other begins. With two, whoever takes over fences both and commits a record on each: without those records two
owners that start at the same moment could hold one id each, and both commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from penstock.log.admission import admit
from penstock.log.kafka_driver import Cluster
from penstock.log.kafka_producer import Producer, Write
from penstock.log.kafka_topics import Frontier, Topics
from penstock.log.port import Batch, Fenced, LogError, LogUnavailable, Mark, TopicPartition

TURNS = (0, 1)


class Contested(Fenced):
    """Two took the partition at one moment; we hold the first id, they the second: they give up, we take it anew."""


class KafkaOwnership:
    """
    Taken in four steps: ``start(0)``, ``start(1)``, ``mark(0)``, ``mark(1)``; ``take`` does them all.

    Any exception but a refusal (``RecordTooLarge``, ``TopicMissing``) ends it: every later commit raises.
    """

    def __init__(
        self,
        cluster: Cluster,
        source: TopicPartition,
        mark: Mark,
        topics: Topics,
        frontier: Frontier,
    ) -> None:
        self._cluster, self._topics, self._frontier = cluster, topics, frontier
        self._source, self._mark = source, mark
        self._producers: dict[int, Producer] = {}
        self._turn = 0
        self._dead: str | None = None
        self._fenced = False
        self.released = False
        self._one = asyncio.Lock()

    @property
    def epoch(self) -> int:
        return self._producers[0].incarnation

    async def take(self) -> None:
        """
        Fence every earlier owner on both ids, then show on each that we hold it.

        Raises:
            Fenced: somebody else takes over at the same moment.
            LogUnavailable: the cluster does not answer.

        """
        try:
            for turn in TURNS:
                await self.start(turn)
            await self.mark(0)
            try:
                await self.mark(1)
            except Fenced as error:
                # Whoever fenced us here holds both ids by now, and this says so, or has lost the first one to us.
                await self._commit(self._producers[0], self._encoded([self._mark(self.epoch, 0)], self._producers[0]))
                raise Contested(str(error)) from error
        except BaseException:
            await self.release()
            raise

    async def start(self, turn: int) -> None:
        topic, partition = self._cluster.names.outer(self._source.topic), self._source.partition
        # The prefix is part of the topic's name.
        transactional_id = f"{topic}-{partition}-{turn}"
        self._producers[turn] = await Producer(self._cluster, transactional_id).start()

    async def mark(self, turn: int) -> None:
        self._turn = turn
        await self.commit([self._mark(self.epoch, turn)])

    async def commit(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        async with self._one:
            self._require_alive()
            admit(batches, self._cluster.settings.max_record)
            batches = [batch for batch in batches if batch.messages]
            await self._topics.require(TopicPartition(batch.topic, batch.partition) for batch in batches)
            producer = self._producers[self._turn]
            writes = self._encoded(batches, producer)
            positions = await self._commit(producer, writes)
            # Only now: an id that committed nothing has not shown that it is still ours.
            self._turn = 1 - self._turn
        return self._reported(batches, writes, positions)

    async def release(self) -> None:
        if self.released:
            return
        self.released = True
        dead = self._dead is not None
        self._die("it was released", fenced=True)
        producers = self._producers.values()
        await asyncio.gather(*(producer.discard() if dead else producer.stop() for producer in producers))

    def _encoded(self, batches: Sequence[Batch], producer: Producer) -> list[Write]:
        outer = self._cluster.names.outer
        return [producer.encode(outer(batch.topic), batch.partition, batch.messages) for batch in batches]

    async def _commit(self, producer: Producer, writes: Sequence[Write]) -> list[list[int]]:
        try:
            return await producer.commit(writes)
        except LogError as error:
            self._die(str(error), fenced=isinstance(error, Fenced))
            raise
        except BaseException as error:
            # Cancelled in the middle: nobody knows what came through.
            self._die(repr(error), fenced=False)
            raise

    def _reported(
        self, batches: Sequence[Batch], writes: Sequence[Write], positions: Sequence[Sequence[int]]
    ) -> dict[TopicPartition, int]:
        bases = {}
        for batch, write, offsets in zip(batches, writes, positions, strict=True):
            partition = TopicPartition(batch.topic, batch.partition)
            bases[partition] = offsets[0]
            self._frontier.wrote(partition, offsets[-1] + len(batch.messages) - write.chunks[-1].start)
        return bases

    def _die(self, why: str, *, fenced: bool) -> None:
        if self._dead is None:
            self._dead, self._fenced = why, fenced

    def _require_alive(self) -> None:
        if self._dead is None:
            return
        kind = Fenced if self._fenced else LogUnavailable
        raise kind(f"expected to own {self._source}, but this ownership has ended: {self._dead}")
