"""
What a checkpoint writes to the snapshots topic, and what a new owner reads there: a cache of the log, never the truth.

Keys: an entity's id (and ``!part/N/ID``, where it is too large for one record); ``!seen/HOUR/N`` for parts of the
window of repeats; ``!marker``, written last, says where to go on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from penstock.engine.seen import SeenChunk

FORMAT: Final = 1
MARKER: Final = b"!marker"
SEEN: Final = b"!seen/"
PARTS: Final = "parts"


class _Format(msgspec.Struct, frozen=True):
    format: int


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """
    The partition as it was when every event before ``event_position`` was applied. ``digest`` is its state's, in hex;
    ``ended_sum`` the part of it that belongs to ended entities.
    """

    format: int = FORMAT
    event_position: int
    input_position: int
    last_time: datetime
    digest: str
    ended_sum: str
    chunks: int
    entities: int
    partitions: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_format = msgspec.msgpack.Decoder(_Format).decode
_decode_marker = msgspec.msgpack.Decoder(Marker).decode
_decode_chunk = msgspec.msgpack.Decoder(SeenChunk).decode


def encode_marker(marker: Marker) -> bytes:
    return _encode(marker)


def decode_marker(value: bytes) -> Marker | None:
    """None for what another release wrote in a format of its own: then the events alone have to do."""
    try:
        return _decode_marker(value) if _decode_format(value).format == FORMAT else None
    except msgspec.DecodeError:
        return None


def seen_key(chunk: SeenChunk, number: int) -> bytes:
    return SEEN + f"{chunk.hour}/{number}".encode()


def encode_seen(chunk: SeenChunk) -> bytes:
    return _encode(chunk)


def decode_seen(value: bytes) -> SeenChunk:
    return _decode_chunk(value)


def part_key(entity: bytes, number: int) -> bytes:
    """Where the further parts of an entity lie that is too large for one record."""
    return b"!part/%d/%s" % (number, entity)
