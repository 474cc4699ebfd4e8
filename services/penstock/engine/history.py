"""Brings a partition state up to the log: from its snapshots and the events after them, or from the events alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from penstock.engine.partition_state import PartitionState
from penstock.engine.snapshots import MARKER, PARTS, SEEN, Marker, decode_marker, decode_seen, part_key
from penstock.log.port import Log, Record, TopicPartition
from penstock.log.topics import SNAPSHOTS
from penstock.messages.envelope import decode_event

YIELD_AFTER: Final = 0.05
"""Seconds of work after which the loop is given back, so that no membership is lost (decisions 3)."""


async def committed(log: Log, source: TopicPartition, start: int) -> AsyncIterator[Record]:
    """The records of ``source`` from ``start`` to where the log ends now. Yields to the loop now and then."""
    end = await log.end(source)
    start = max(start, await log.first(source))
    async with await log.reader({source: start}) as reader:
        while reader.position(source) < end:
            began = time.perf_counter()
            for record in await reader.read(limit=2000, wait=1.0):
                yield record
                if time.perf_counter() - began > YIELD_AFTER:
                    await asyncio.sleep(0)
                    began = time.perf_counter()


class Checkpoint(NamedTuple):
    """``parts`` are the numbers of records of those entities that have more than one."""

    marker: Marker
    parts: dict[str, int]


async def load_snapshots(log: Log, partition: int, state: PartitionState) -> Checkpoint | None:
    """Take in the last checkpoint of the partition; None where there was none."""
    latest: dict[bytes, Record] = {}
    async for record in committed(log, TopicPartition(SNAPSHOTS, partition), 0):
        if record.value is None:
            latest.pop(record.key, None)
        else:
            latest[record.key] = record
    found = latest.get(MARKER)
    marker = decode_marker(found.value or b"") if found else None
    if marker is None:
        return None
    large: dict[str, int] = {}
    for key, record in latest.items():
        if key.startswith(SEEN):
            state.seen.restore(decode_seen(record.value or b""))
        elif not key.startswith(b"!"):
            parts = int(dict(record.headers).get(PARTS, b"1"))
            state.entities.restore(key.decode(), _whole(record, parts, latest))
            if parts > 1:
                large[key.decode()] = parts
        await _breathe(len(state.entities))
    state.entities.ended_sum = int(marker.ended_sum, 16)
    state.input_position, state.last_time = marker.input_position, marker.last_time
    state.event_position = marker.event_position
    state.partitions = marker.partitions
    return Checkpoint(marker, large)


async def follow(log: Log, events: TopicPartition, state: PartitionState) -> None:
    """Apply every event from ``state.event_position`` to the end of the log."""
    async for record in committed(log, events, state.event_position):
        value = record.value or b""
        state.apply(decode_event(value), value)
        state.event_position = record.position + 1


def _whole(record: Record, parts: int, latest: dict[bytes, Record]) -> bytes:
    """An entity that was too large for one record lies in parts."""
    rest = (latest[part_key(record.key, number)].value or b"" for number in range(1, parts))
    return b"".join(((record.value or b""), *rest))


async def _breathe(count: int) -> None:
    if count % 5000 == 4999:
        await asyncio.sleep(0)
