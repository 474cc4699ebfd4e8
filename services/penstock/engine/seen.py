"""
Which commands of callers were decided lately, and how: a repeated one gets the same answer and changes nothing.

Kept are 16 bytes of a hash per command in hourly buckets, for a day and for at most so many (decisions 13). A start is
kept under its execution id, so that no start ever runs twice, whatever its command id; and under what it said, so that
another start under the same id is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

HOUR = 3600
WINDOW_HOURS = 24


_encode = msgspec.json.Encoder(order="sorted").encode


class Outcome(NamedTuple):
    """How the command was decided: the refusal's code ("" for an accepted one) and the input position."""

    code: str
    position: int


class SeenChunk(msgspec.Struct, frozen=True, array_like=True):
    """A part of a bucket, as it is checkpointed."""

    hour: int
    entries: list[tuple[bytes, str, int]]


class Seen:
    """Remembers outcomes by hash; forgets by the hour."""

    def __init__(self, limit: int = 5_000_000) -> None:
        self._limit = limit
        self._buckets: dict[int, dict[bytes, Outcome]] = {}
        self._fresh: dict[int, dict[bytes, Outcome]] = {}
        self._count = 0
        self._dropped_before = 0.0

    def __len__(self) -> int:
        return self._count

    def get(self, key: bytes) -> Outcome | None:
        for bucket in reversed(self._buckets.values()):
            if (outcome := bucket.get(key)) is not None:
                return outcome
        return None

    def add(self, key: bytes, outcome: Outcome, at: float) -> None:
        """Remember ``key``, decided ``at`` (seconds since the epoch); drop what is too old or too much."""
        hour = int(at) // HOUR
        bucket = self._buckets.get(hour)
        if bucket is None:
            bucket = self._buckets[hour] = {}
            self._buckets = dict(sorted(self._buckets.items()))
            self._drop(hour - WINDOW_HOURS)
        if key not in bucket:
            self._count += 1
            bucket[key] = outcome
            self._fresh.setdefault(hour, {})[key] = outcome
        while self._count > self._limit and len(self._buckets) > 1:
            self._drop(next(iter(self._buckets)))

    def reaches_back_to(self, now: float) -> float:
        """Seconds since the epoch: everything decided after this is remembered."""
        day_ago = now - WINDOW_HOURS * HOUR
        return max(day_ago, self._dropped_before)

    def _drop(self, hour: int) -> None:
        for old in [h for h in self._buckets if h <= hour]:
            self._count -= len(self._buckets.pop(old))
            self._fresh.pop(old, None)
            self._dropped_before = max(self._dropped_before, float((old + 1) * HOUR))

    def take_fresh(self, size: int = 5000) -> Iterator[SeenChunk]:
        """What was added since the last call, in chunks fit for a record."""
        fresh, self._fresh = self._fresh, {}
        for hour, bucket in fresh.items():
            entries = [(key, outcome.code, outcome.position) for key, outcome in bucket.items()]
            for i in range(0, len(entries), size):
                yield SeenChunk(hour, entries[i : i + size])

    def restore(self, chunk: SeenChunk) -> None:
        for key, code, position in chunk.entries:
            self.add(key, Outcome(code, position), float(chunk.hour * HOUR))
        self._fresh.pop(chunk.hour, None)


def start_key(subject: str) -> bytes:
    return blake2b(subject.encode(), digest_size=16, person=b"start").digest()


def content_key(subject: str, definition: str, content: dict[str, Any], business_key: str | None) -> bytes:
    """What tells a start that is repeated from another one under the same id."""
    said = _encode((subject, definition, content, business_key))
    return blake2b(said, digest_size=16, person=b"content").digest()


def command_key(subject: str, command_id: str) -> bytes:
    return blake2b(f"{subject}\n{command_id}".encode(), digest_size=16, person=b"command").digest()
