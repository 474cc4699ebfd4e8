"""Applies batches to the tables of its generations: rows and positions in one transaction, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from penstock.log.port import TopicPartition
from penstock.projections import positions
from penstock.projections.positions import Standing
from penstock.projections.read_model import ReadSet
from penstock.projector import generations
from penstock.projector.batches import Batch
from penstock.tables import bulk
from penstock.tables.pool import Pool, RowRepeated


class Stale(Exception):
    """Somebody else moved a partition: nothing of the batch was applied; read the positions again."""


class Store:
    """``suffix`` tells a copy apart from the generation of the same shape that a projector follows with."""

    def __init__(self, pool: Pool, sets: Sequence[ReadSet], suffix: str = "") -> None:
        self.pool = pool
        self.sets: Mapping[str, ReadSet] = {read_set.topic: read_set for read_set in sets}
        self.generations: Mapping[str, str] = {read_set.topic: read_set.digest + suffix for read_set in sets}

    async def prepare(self, counts: Mapping[str, int], now: datetime) -> None:
        """Make what is missing; ``counts`` are the numbers of partitions of the topics."""
        pairs = [(read_set, self.generations[topic]) for topic, read_set in self.sets.items()]
        await generations.prepare(self.pool, pairs, counts, now)

    async def standings(self) -> Mapping[TopicPartition, Standing]:
        found: dict[TopicPartition, Standing] = {}
        async with self.pool.connection() as connection:
            for topic, generation in self.generations.items():
                found |= await positions.read(connection, generation, topic)
        return found

    async def apply(self, batch: Batch, current: Mapping[TopicPartition, datetime], now: datetime) -> None:
        """
        Write the rows of ``batch`` and move its partitions; ``current`` says up to when each is known to be complete.

        Raises:
            Stale: another projector has been here; nothing was applied.
            ValueRefused: Postgres does not take one of the rows; nothing was applied.
            TablesUnavailable: it is unknown whether it was applied; the positions tell.

        """
        try:
            await self._apply(batch, current, now, repeated=False)
        except RowRepeated:
            await self._apply(batch, current, now, repeated=True)

    async def _apply(
        self, batch: Batch, current: Mapping[TopicPartition, datetime], now: datetime, *, repeated: bool
    ) -> None:
        async with self.pool.transaction() as connection:
            if not await positions.advance(connection, self.generations, batch.steps(current), now):
                raise Stale
            for topic, folded in batch.folded.items():
                for model, rows in zip(self.sets[topic].models, folded, strict=True):
                    name = generations.stored(model.table.name, self.generations[topic])
                    await bulk.write(connection, model.table, name, rows, repeated=repeated)
