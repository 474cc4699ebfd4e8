"""
How far the tables follow the log: moved by the projector together with the rows, read by gateways.

Three moments stand with each partition. ``event_time`` is that of the last event applied. ``current_at`` is the latest
moment of which the projector knows that everything written before it is applied. ``applied_at`` is when the tables last
changed. The read model's *age* is the time since the later of the first two: about a second while a projector idles at
the end of the log, the true delay while it is behind, and growing when no projector runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from penstock.log.port import TopicPartition
from penstock.tables.pool import Connection, Pool, Row
from penstock.tables.watch import Source, Watch

NOTHING: Final = -1
"""The input position of a partition of which nothing is applied."""

CREATE: Final = {
    "projector_positions": """
    create table projector_positions (
        generation text not null, topic text not null, partition integer not null,
        position bigint not null default 0, input_position bigint not null default -1,
        event_time timestamptz, applied_at timestamptz not null, current_at timestamptz,
        primary key (generation, topic, partition)
    ) with (fillfactor = 50)
    """,
    "projector_generations": """
    create table projector_generations (
        topic text primary key, generation text not null, since timestamptz not null
    )
    """,
    "applied_positions": """
    create view applied_positions as
    select p.* from projector_positions p join projector_generations g using (topic, generation)
    """,
}


class Standing(NamedTuple):
    """``position`` is the next to read, ``input_position`` the highest whose whole effect is in the tables."""

    partition: TopicPartition
    position: int
    input_position: int
    event_time: datetime | None
    applied_at: datetime
    current_at: datetime | None

    def age(self, now: datetime) -> timedelta | None:
        """How long ago something may have happened that the tables do not show; None: they never were filled."""
        known = max((moment for moment in (self.event_time, self.current_at) if moment is not None), default=None)
        return None if known is None else max(now - known, timedelta(0))


class Step(NamedTuple):
    """A partition moves from ``expected`` to ``position``."""

    partition: TopicPartition
    expected: int
    position: int
    input_position: int
    event_time: datetime | None
    current_at: datetime | None


async def standings(pool: Pool) -> Sequence[Standing]:
    """Of all partitions, as far as the tables that serve now have come."""
    return [_standing(row) for row in await pool.fetch(f"select {_COLUMNS} from applied_positions")]


async def applied(pool: Pool, topic: str, partition: int) -> int:
    """The input position that the tables have reached; ``NOTHING`` before the first."""
    sql = "select input_position from applied_positions where topic = $1 and partition = $2"
    found = await pool.fetchval(sql, topic, partition)
    return NOTHING if found is None else int(found)


async def age(pool: Pool, now: datetime, topic: str, partition: int | None = None) -> timedelta | None:
    """The age of the oldest partition that an answer may draw on; None while nothing was ever filled."""
    return oldest(await standings(pool), now, topic, partition)


def oldest(found: Iterable[Standing], now: datetime, topic: str, partition: int | None = None) -> timedelta | None:
    meant = [s.age(now) for s in found if s.partition.topic == topic and partition in (None, s.partition.partition)]
    ages = [age for age in meant if age is not None]
    return max(ages) if ages and len(ages) == len(meant) else None


def watch(pool: Pool) -> Watch:
    """What a gateway waits with until the tables have reached a token."""

    async def reached() -> Mapping[Source, int]:
        return {standing.partition: standing.input_position for standing in await standings(pool)}

    return Watch(reached)


async def read(
    connection: Connection, generation: str, topic: str, *, locked: bool = False
) -> Mapping[TopicPartition, Standing]:
    """Of one generation, whether it serves or not; ``locked`` holds its projectors up until the transaction ends."""
    sql = f"select {_COLUMNS} from projector_positions where generation = $1 and topic = $2 order by partition"
    rows = await connection.fetch(sql + (" for update" if locked else ""), generation, topic)
    return {standing.partition: standing for standing in map(_standing, rows)}


async def enter(connection: Connection, generation: str, topic: str, partitions: int, now: datetime) -> None:
    """Begin at the beginning with the partitions that are not known yet."""
    await connection.execute(
        "insert into projector_positions (generation, topic, partition, applied_at) "
        "select $1, $2, number, $4 from generate_series(0, $3 - 1) as number on conflict do nothing",
        *(generation, topic, partitions, now),
    )


async def advance(connection: Connection, generations: Mapping[str, str], steps: Sequence[Step], now: datetime) -> bool:
    """Move all partitions, or tell (by False) that somebody else has moved one: then the caller has to roll back."""
    moved = await connection.fetch(
        """
        update projector_positions as p set
            position = v.position,
            input_position = greatest(p.input_position, v.input_position),
            event_time = greatest(p.event_time, v.event_time),
            current_at = greatest(p.current_at, v.current_at),
            applied_at = case when v.position > p.position then $8 else p.applied_at end
        from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[],
                    $7::timestamptz[], $9::timestamptz[])
            as v(generation, topic, partition, expected, position, input_position, event_time, current_at)
        where p.generation = v.generation and p.topic = v.topic and p.partition = v.partition
            and p.position = v.expected
        returning 1
        """,
        [generations[step.partition.topic] for step in steps],
        [step.partition.topic for step in steps],
        [step.partition.partition for step in steps],
        [step.expected for step in steps],
        [step.position for step in steps],
        [step.input_position for step in steps],
        [step.event_time for step in steps],
        now,
        [step.current_at for step in steps],
    )
    return len(moved) == len(steps)


_COLUMNS: Final = "topic, partition, position, input_position, event_time, applied_at, current_at"


def _standing(row: Row) -> Standing:
    partition = TopicPartition(row["topic"], row["partition"])
    moments = (row["event_time"], row["applied_at"], row["current_at"])
    return Standing(partition, row["position"], row["input_position"], *moments)
