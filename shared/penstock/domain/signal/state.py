"""Who waits for a signal, and the broadcasts that have not reached everybody yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from zlib import crc32

import msgspec

from penstock.domain.waits import Wait

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SHELVES: Final = 256

Shelves: TypeAlias = dict[int, dict[str, Wait]]
"""
Waits by key, on shelves by a hash of the key: a change copies one shelf, not a hundred thousand waits. Nobody needs
their order, as a signal reaches all of them.
"""


class Broadcast(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signal on its way to ``waits``: those that were open when it was given and are not reached yet."""

    payload: Any = None
    waits: Shelves = {}


class Signal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="signal"):
    """
    ``waits`` are open; ``broadcasts`` are under way, the earliest first.

    A signal never ends: one that nobody waits for stays, small, so that its sequence and its chain go on.
    """

    waits: Shelves = {}
    broadcasts: tuple[Broadcast, ...] = ()


NOBODY: Final = Signal()


def due_at(state: Signal) -> datetime | None:
    """When the clock has to come back: at once, while a broadcast is under way."""
    return AT_ONCE if state.broadcasts else None


def holds(shelves: Shelves, wait: Wait) -> bool:
    return wait.key in shelves.get(_shelf(wait), ())


def added(shelves: Shelves, wait: Wait) -> Shelves:
    number = _shelf(wait)
    return {**shelves, number: {**shelves.get(number, {}), wait.key: wait}}


def removed(shelves: Shelves, *gone: Wait) -> Shelves:
    """Without ``gone``; an empty shelf is none."""
    left = dict(shelves)
    for number in dict.fromkeys(map(_shelf, gone)):
        keys = {wait.key for wait in gone if _shelf(wait) == number}
        kept = {key: wait for key, wait in left.pop(number, {}).items() if key not in keys}
        if kept:
            left[number] = kept
    return left


def _shelf(wait: Wait) -> int:
    return crc32(wait.key.encode()) % _SHELVES
