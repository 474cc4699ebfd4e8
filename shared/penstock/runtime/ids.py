"""Ids made from time and chance. Only edges make them (gateway, client, command line): the domain derives its own."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> str:
    """A UUIDv7 (RFC 9562): milliseconds since the epoch, then 74 random bits. Sorts by time of making."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
