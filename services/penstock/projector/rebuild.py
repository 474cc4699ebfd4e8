"""Makes the tables anew from position 0, beside those that serve: to compare them, or to put them in their place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.log.port import Log, TopicPartition
from penstock.projections import positions
from penstock.projections.read_model import ReadSet
from penstock.projections.sets import READ_SETS
from penstock.projector import generations
from penstock.projector.applier import Applier, Counts, Reached
from penstock.projector.follower import LIMIT
from penstock.projector.store import Store
from penstock.runtime.clock import Clock, system_clock
from penstock.tables.pool import Connection, Pool, lock
from penstock.tables.shape import Table

COPY: Final = "_copy"
MOST: Final = 100
"""Differences listed at most, per table."""


_PATIENCE: Final = 3600.0
"""Seconds until Postgres has put the rows of a large table in order."""


class NothingServes(Exception):
    """No projector of this release has filled tables here."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not the same. ``columns`` are those that differ; None on one side: it is missing there."""

    table: str
    key: tuple[Any, ...]
    columns: tuple[str, ...]
    live: Mapping[str, Any] | None
    rebuilt: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``rows`` counts the live rows of each table that were compared."""

    rows: Mapping[str, int]
    differences: Sequence[Difference]
    events: int


async def compare(
    log: Log, pool: Pool, *, sets: Sequence[ReadSet] = READ_SETS, clock: Clock = system_clock
) -> Comparison:
    """
    Rebuild the read models from the log and compare them, row by row, with the tables of this release. The projectors
    go on meanwhile: a snapshot of their rows is compared with a copy that stops at the very same positions.

    Raises:
        NothingServes: there are no tables of this release's shape.

    """
    rebuilding = await _Rebuilding.begin(log, pool, sets, clock)
    try:
        async with pool.snapshot() as live:
            for read_set in sets:
                await rebuilding.to(await _targets(live, read_set))
            return await _compared(live, rebuilding, sets)
    finally:
        await rebuilding.discard()


async def swap(log: Log, pool: Pool, *, sets: Sequence[ReadSet] = READ_SETS, clock: Clock = system_clock) -> int:
    """
    Rebuild the read models and put them in the place of the tables of this release, in one transaction; returns the
    number of events. Gateways answer all the while; projectors are held up while the last events are applied.

    Raises:
        NothingServes: there are no tables of this release's shape.

    """
    rebuilding = await _Rebuilding.begin(log, pool, sets, clock)
    for read_set in sets:
        async with pool.transaction() as connection:
            await lock(connection, "generations")
            await rebuilding.to(await _targets(connection, read_set, locked=True))
            await generations.exchange(connection, read_set, read_set.digest + COPY, clock())
    return rebuilding.counts.events


class _Rebuilding:
    """A copy under way."""

    def __init__(self, log: Log, store: Store, clock: Clock) -> None:
        self._log, self.store, self.counts = log, store, Counts()
        self._applier = Applier(store, clock, self.counts)

    @classmethod
    async def begin(cls, log: Log, pool: Pool, sets: Sequence[ReadSet], clock: Clock) -> _Rebuilding:
        """A fresh copy, filled to where the live tables are by now."""
        rebuilding = cls(log, Store(pool, sets, COPY), clock)
        async with pool.connection() as connection:
            targets = [await _targets(connection, read_set) for read_set in sets]
        await rebuilding.discard()
        await rebuilding.store.prepare(await log.topics(), clock())
        await rebuilding._applier.resume([key for target in targets for key in target])
        for target in targets:
            await rebuilding.to(target)
        return rebuilding

    async def to(self, targets: Mapping[TopicPartition, int]) -> None:
        """Apply everything before ``targets``, and nothing after."""
        starts = {key: self._applier.progress[key].position for key in targets}
        async with await self._log.reader(starts) as reader:
            behind = {key for key, target in targets.items() if starts[key] < target}
            while behind:
                records = await reader.read(LIMIT)
                before = [r for r in records if r.position < targets[TopicPartition(r.topic, r.partition)]]
                at = {key: min(reader.position(key), targets[key]) for key in targets}
                await self._applier.apply(before, {key: Reached(position) for key, position in at.items()})
                behind = {key for key in behind if at[key] < targets[key]} if records else set()

    async def discard(self) -> None:
        async with self.store.pool.transaction() as connection:
            await lock(connection, "generations")
            for topic, read_set in self.store.sets.items():
                await generations.discard(connection, read_set, self.store.generations[topic])


async def _targets(connection: Connection, read_set: ReadSet, *, locked: bool = False) -> Mapping[TopicPartition, int]:
    found = await positions.read(connection, read_set.digest, read_set.topic, locked=locked)
    if not found:
        raise NothingServes(
            f"expected tables {read_set.digest} filled from topic {read_set.topic!r}, but there are none"
        )
    return {key: standing.position for key, standing in found.items()}


async def _compared(live: Connection, rebuilding: _Rebuilding, sets: Sequence[ReadSet]) -> Comparison:
    rows: dict[str, int] = {}
    differences: list[Difference] = []
    async with rebuilding.store.pool.transaction() as rebuilt:
        for read_set in sets:
            for table in (model.table for model in read_set.models):
                sides = _Sides(table, read_set.digest, live, rebuilt)
                rows[table.name] = await sides.compare(differences)
    return Comparison(rows, differences, rebuilding.counts.events)


class _Sides:
    """One table on both sides. Rows travel as key and digest, in the order of the key; only unequal ones whole."""

    def __init__(self, table: Table, generation: str, live: Connection, rebuilt: Connection) -> None:
        self._table, self._live, self._rebuilt = table, live, rebuilt
        self._names = {
            live: generations.stored(table.name, generation),
            rebuilt: generations.stored(table.name, generation + COPY),
        }

    async def compare(self, differences: list[Difference]) -> int:
        """Add what differs; returns how many live rows there were."""
        count, found = 0, 0
        ours, theirs = self._rows(self._live), self._rows(self._rebuilt)
        left, right = await anext(ours, None), await anext(theirs, None)
        while left is not None or right is not None:
            if right is None or (left is not None and left[0] < right[0]):
                unequal, step_left, step_right = left, True, False
            elif left is None or right[0] < left[0]:
                unequal, step_left, step_right = right, False, True
            else:
                unequal, step_left, step_right = (None if left[1] == right[1] else left), True, True
            if unequal is not None and found < MOST:
                found += 1
                differences.append(await self._difference(unequal[0]))
            if step_left:
                count += 1
                left = await anext(ours, None)
            if step_right:
                right = await anext(theirs, None)
        return count

    async def _rows(self, side: Connection) -> AsyncIterator[tuple[tuple[Any, ...], str]]:
        keys = ", ".join(self._table.key)
        order = ", ".join(f'{k} collate "C"' if self._table.column(k).type == "text" else k for k in self._table.key)
        columns = ", ".join(column.name for column in self._table.columns)
        sql = f"select {keys}, md5(row({columns})::text) from {self._names[side]} order by {order}"
        async for row in side.cursor(sql, prefetch=1000, timeout=_PATIENCE):
            *key, digest = row
            yield tuple(key), digest

    async def _difference(self, key: tuple[Any, ...]) -> Difference:
        live, rebuilt = await self._row(self._live, key), await self._row(self._rebuilt, key)
        names = (column.name for column in self._table.columns)
        changed = tuple(name for name in names if live and rebuilt and live[name] != rebuilt[name])
        return Difference(self._table.name, key, changed, live, rebuilt)

    async def _row(self, side: Connection, key: tuple[Any, ...]) -> Mapping[str, Any] | None:
        where = " and ".join(f"{name} = ${n}" for n, name in enumerate(self._table.key, 1))
        row = await side.fetchrow(f"select * from {self._names[side]} where {where}", *key)
        return None if row is None else dict(row)
