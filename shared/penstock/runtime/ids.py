"""Ids made from time and chance. Only edges make them (gateway, client, command line): the domain derives its own."""

from __future__ import annotations

import os
import time

from penstock.domain.ids import uuid7


def new_id() -> str:
    """A UUIDv7 (RFC 9562): milliseconds since the epoch, then 74 random bits. Sorts by time of making."""
    return uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))
