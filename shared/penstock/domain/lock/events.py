"""What has happened to a lock. Stored for ever; ``evolve`` needs nothing else."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    execution: str
    visit: int


class LockQueued(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """A visit stands in line, as the last one."""


class LockUnqueued(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """A visit left the line before it got the lock."""


class LockAwarded(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """A visit holds the lock; ``fence`` is higher than with any award before."""

    fence: int


class LockReleased(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """The visit that held the lock has given it back."""


LockEvent: TypeAlias = LockQueued | LockUnqueued | LockAwarded | LockReleased
