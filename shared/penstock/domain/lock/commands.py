"""What a lock can be asked to do. Its subject holds its name. Commands come from the engine only."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from penstock.domain.execution.commands import FireTimers, Name


class AcquireLock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visit wants the lock, and waits in line for it."""

    execution: Name
    visit: int


class ReleaseLock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visit has done with the lock, or does not want it any more."""

    execution: Name
    visit: int


LockCommand: TypeAlias = AcquireLock | ReleaseLock | FireTimers
