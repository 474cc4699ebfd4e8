"""Ids of executions, UUIDv7 (RFC 9562): when they were made, then what tells them apart."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from uuid import UUID


def uuid7(milliseconds: int, chance: int) -> str:
    """``milliseconds`` since the epoch (48 bits), and 80 bits of ``chance``, six of which give way to the version."""
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | chance
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def derived_id(now: datetime, seed: str) -> str:
    """An id whose random part follows from ``seed``: the same cause makes the same id."""
    return uuid7(int(now.timestamp() * 1000), int.from_bytes(sha256(seed.encode()).digest()[:10]))
