"""Who holds a lock, who waits for it, and how often it was awarded."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec


class Claimant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visit of an execution that holds a lock or wants it."""

    execution: str
    visit: int

    @property
    def key(self) -> str:
        return f"{self.execution}/{self.visit}"


class Lock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="lock"):
    """
    ``queue`` by key, the first one first; ``fence`` is the number of the last award.

    A lock never ends: one that nobody wants stays, small, so that ``fence`` rises for ever.
    """

    fence: int = 0
    holder: Claimant | None = None
    queue: dict[str, Claimant] = {}


FREE: Final = Lock()


def due_at(state: Lock) -> datetime | None:
    """Never: a lock is held until it is released. Its execution's own end releases it."""
    return None
