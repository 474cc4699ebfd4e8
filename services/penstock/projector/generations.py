"""
Which tables serve. A generation is one set of tables of one shape, filled from the log on its own; views lead to the
one that serves. A release with another shape fills its generation beside the old one and then turns the views round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from penstock.log.port import TopicPartition
from penstock.projections import positions
from penstock.projections.positions import Standing
from penstock.projections.read_model import ReadSet
from penstock.tables.pool import Connection, Pool, lock, names

UNUSED_AFTER: Final = timedelta(days=1)
"""A generation that does not serve and to which nothing was applied for so long is dropped at the next turn."""

_LABEL: Final = re.compile(r"[0-9a-f]{10}(_[a-z]+)?")


def stored(table: str, generation: str) -> str:
    """Under which name the table of a generation is stored."""
    if not _LABEL.fullmatch(generation):
        raise ValueError(f"expected the name of a generation, but got {generation!r}")
    return f"{table}_{generation}"


async def prepare(pool: Pool, sets: Sequence[tuple[ReadSet, str]], counts: Mapping[str, int], now: datetime) -> None:
    """Make the tables of these generations that are missing. Where nothing serves yet, they serve at once, empty."""
    async with pool.transaction() as connection:
        await lock(connection, "generations")
        known = set(await names(connection))
        for name, statement in positions.CREATE.items():
            if name not in known:
                await connection.execute(statement)
        for read_set, generation in sets:
            made = not {stored(model.table.name, generation) for model in read_set.models} <= known
            if made:
                await _create(connection, read_set, generation)
            await positions.enter(connection, generation, read_set.topic, counts[read_set.topic], now)
            served = await serving(connection, read_set.topic)
            if generation == read_set.digest and (served is None or (made and served == generation)):
                await _turn(connection, read_set, generation, now)


async def _create(connection: Connection, read_set: ReadSet, generation: str) -> None:
    """All tables anew and empty: if somebody dropped one, the positions of the others are worth nothing."""
    if await serving(connection, read_set.topic) == generation:
        await _drop_views(connection, read_set)
    await discard(connection, read_set, generation)
    for table in (model.table for model in read_set.models):
        for statement in table.create(stored(table.name, generation)):
            await connection.execute(statement)


async def serving(connection: Connection, topic: str) -> str | None:
    """The generation to which the views lead."""
    found = await connection.fetchval("select generation from projector_generations where topic = $1", topic)
    return None if found is None else str(found)


async def adopt(pool: Pool, read_set: ReadSet, now: datetime) -> bool:
    """
    Turn the views to the generation of ``read_set`` if it has come as far as the one that serves; whether it serves.

    The projectors of the other one are held up for the moment, so that no answer goes back behind a token.
    """
    async with pool.transaction() as connection:
        await lock(connection, "generations")
        old = await serving(connection, read_set.topic)
        if old == read_set.digest:
            return True
        mine = await positions.read(connection, read_set.digest, read_set.topic)
        if old is not None:
            theirs = await positions.read(connection, old, read_set.topic, locked=True)
            if not _as_far(mine, theirs):
                return False
        await _turn(connection, read_set, read_set.digest, now)
        await _drop_unused(connection, read_set, {read_set.digest, old}, now)
        return True


async def exchange(connection: Connection, read_set: ReadSet, copy: str, now: datetime) -> None:
    """
    Put the tables of generation ``copy`` in the place of those of the same shape, which are dropped. Both stand at the
    same positions, and those of the old ones stay: no token that was reached is taken back.
    """
    own = read_set.digest
    await _drop_views(connection, read_set)
    for table in (model.table.name for model in read_set.models):
        await connection.execute(f"drop table {stored(table, own)}")
        await connection.execute(f"alter table {stored(table, copy)} rename to {stored(table, own)}")
    where = "where generation = $1 and topic = $2"
    await connection.execute(f"delete from projector_positions {where}", copy, read_set.topic)
    await _turn(connection, read_set, own, now)


async def discard(connection: Connection, read_set: ReadSet, generation: str) -> None:
    """Drop the tables of a generation that does not serve."""
    for table in await names(connection):
        if table.endswith(f"_{generation}") and table in {
            stored(model.table.name, generation) for model in read_set.models
        }:
            await connection.execute(f"drop table {table}")
    where = "where generation = $1 and topic = $2"
    await connection.execute(f"delete from projector_positions {where}", generation, read_set.topic)


def _as_far(mine: Mapping[TopicPartition, Standing], theirs: Mapping[TopicPartition, Standing]) -> bool:
    if any(standing.current_at is None for standing in mine.values()):
        return False
    return all(
        key in mine and mine[key].position >= old.position and mine[key].input_position >= old.input_position
        for key, old in theirs.items()
    )


async def _drop_views(connection: Connection, read_set: ReadSet) -> None:
    for model in read_set.models:
        await connection.execute(f"drop view if exists {model.table.name}")


async def _turn(connection: Connection, read_set: ReadSet, generation: str, now: datetime) -> None:
    await _drop_views(connection, read_set)
    for table in (model.table for model in read_set.models):
        columns = ", ".join(column.name for column in table.columns)
        await connection.execute(f"create view {table.name} as select {columns} from {stored(table.name, generation)}")
    await connection.execute(
        "insert into projector_generations (topic, generation, since) values ($1, $2, $3) "
        "on conflict (topic) do update set generation = excluded.generation, since = excluded.since",
        *(read_set.topic, generation, now),
    )


async def _drop_unused(connection: Connection, read_set: ReadSet, kept: set[str | None], now: datetime) -> None:
    """The one that served last is kept, its projectors may still run; so is one that is being filled."""
    rows = await connection.fetch(
        "select generation from projector_positions where topic = $1 group by 1 having max(applied_at) < $2",
        *(read_set.topic, now - UNUSED_AFTER),
    )
    for generation in {row["generation"] for row in rows} - kept:
        await discard(connection, read_set, generation)
