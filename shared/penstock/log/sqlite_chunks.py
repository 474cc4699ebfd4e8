"""
How records lie in the SQLite file: many in one row, because every row costs a change of threads.

A *lane* is the range of row ids of one partition; a chunk's id is lane + position of its first record. The newest
chunk of a lane is never deleted, so it tells where the partition ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from penstock.log.port import Headers, LogError, Message, Record, TopicPartition

CHUNK_RECORDS = 500
CHUNK_BYTES = 256 * 1024

_POSITION_BITS, _PARTITION_BITS, _TOPIC_BITS = 40, 11, 12
LANE = 1 << _POSITION_BITS
_Stored: TypeAlias = tuple[bytes, bytes | None, Headers]
ChunkRow: TypeAlias = tuple[int, int, int, bytes]
"""Id, number of records, time, records."""

_ROWS_AT_ONCE = 32
_decoder = msgspec.msgpack.Decoder(list[_Stored])
_encoder = msgspec.msgpack.Encoder()


def lane_of(topic_id: int, partition: int) -> int:
    if topic_id >> _TOPIC_BITS or partition >> _PARTITION_BITS:
        raise LogError(
            f"expected at most {1 << _TOPIC_BITS} topics of {1 << _PARTITION_BITS} partitions, "
            f"but this is partition {partition} of topic number {topic_id}"
        )
    return ((topic_id << _PARTITION_BITS) | partition) << _POSITION_BITS


def encode(messages: Sequence[Message]) -> bytes:
    return _encoder.encode(messages)


def chunked(messages: Sequence[Message], most: int) -> Iterator[Sequence[Message]]:
    """``messages`` in pieces of a handy size, of ``most`` at the most; one that is larger alone is a piece."""
    start, size = 0, 0
    for index, message in enumerate(messages):
        length = len(message.value or b"")
        if index > start and (index - start == most or size + length > CHUNK_BYTES):
            yield messages[start:index]
            start, size = index, 0
        size += length
    yield messages[start:]


def write_chunks(connection: sqlite3.Connection, rows: Sequence[ChunkRow]) -> None:
    """Many rows with one statement: after each, this thread may have to wait for a busy event loop."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        places = ", ".join(["(?, ?, ?, ?)"] * len(part))
        connection.execute(f"INSERT INTO chunks VALUES {places}", [value for row in part for value in row])  # noqa: S608


def fetch(connection: sqlite3.Connection, lane: int, key: TopicPartition, position: int, limit: int) -> list[Record]:
    """Whole chunks from ``position`` on, until there are ``limit`` records or no more."""
    records: list[Record] = []
    rows = connection.execute(
        """
        SELECT id, time, data FROM chunks
        WHERE id >= coalesce((SELECT max(id) FROM chunks WHERE id BETWEEN ?1 AND ?2), ?2) AND id < ?3
        AND id + count > ?2 ORDER BY id
        """,
        (lane, lane + position, lane + LANE),
    )
    for chunk, time, data in rows:
        first = chunk - lane
        skipped = max(position - first, 0)
        records += [
            Record(key.topic, key.partition, at, name, value, headers, time)
            for at, (name, value, headers) in enumerate(_decoder.decode(data)[skipped:], first + skipped)
        ]
        if len(records) >= limit:
            break
    return records


def first_position(connection: sqlite3.Connection, lane: int) -> int:
    row = connection.execute("SELECT min(id) FROM chunks WHERE id >= ? AND id < ?", (lane, lane + LANE)).fetchone()
    return 0 if row[0] is None else int(row[0]) - lane


def end_position(connection: sqlite3.Connection, lane: int) -> int:
    row = connection.execute(
        "SELECT id, count FROM chunks WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1", (lane, lane + LANE)
    ).fetchone()
    return 0 if row is None else int(row[0]) - lane + int(row[1])
