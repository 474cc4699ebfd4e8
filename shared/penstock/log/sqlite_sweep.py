"""Deletes what a topic's policy no longer keeps: a bounded piece of work with each write, driven by record times."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from penstock.log.port import Cleanup, Message, TopicSpec

PIECE = 64
DEAD_FOR = 24 * 3600 * 1000
"""How long a tombstone can still be read: whoever is slower than that must start from the beginning."""

_PAUSE = 10_000


class Sweeper:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._due: dict[int, int] = {}

    def sweep(self, spec: TopicSpec, lane: int, first: int, messages: Sequence[Message], now: int) -> None:
        """After ``messages`` were written to ``lane`` from position ``first`` on; the newest chunk always stays."""
        if spec.cleanup is Cleanup.COMPACT:
            self._compact(lane, first, messages, now)
        elif spec.retention is None:
            return  # for ever
        if now < self._due.get(lane, 0):
            return
        deleted = 0
        if spec.retention is not None:
            deleted = self._expire(lane, lane + first, now - spec.retention * 1000)
        if spec.cleanup is Cleanup.COMPACT:
            deleted = max(deleted, self._bury(lane, lane + first, now - DEAD_FOR))
        self._due[lane] = now if deleted == PIECE else now + _PAUSE

    def _compact(self, lane: int, first: int, messages: Sequence[Message], now: int) -> None:
        for at, message in enumerate(messages, first):
            older = self._connection.execute(
                "SELECT chunk FROM latest WHERE lane = ? AND key = ?", (lane, message.key)
            ).fetchone()
            if older is not None:
                self._connection.execute("DELETE FROM chunks WHERE id = ?", older)
            row = (lane, message.key, lane + at, now if message.value is None else None)
            self._connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?)", row)

    def _expire(self, lane: int, newest: int, before: int) -> int:
        return self._connection.execute(
            """
            DELETE FROM chunks WHERE time < ?4 AND id IN
            (SELECT id FROM chunks WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)
            """,
            (lane, newest, PIECE, before),
        ).rowcount

    def _bury(self, lane: int, newest: int, before: int) -> int:
        dead = self._connection.execute(
            "SELECT key, chunk FROM latest WHERE lane = ? AND dead < ? AND chunk < ? LIMIT ?",
            (lane, before, newest, PIECE),
        ).fetchall()
        self._connection.executemany("DELETE FROM latest WHERE lane = ? AND key = ?", [(lane, key) for key, _ in dead])
        self._connection.executemany("DELETE FROM chunks WHERE id = ?", [(chunk,) for _, chunk in dead])
        return len(dead)
