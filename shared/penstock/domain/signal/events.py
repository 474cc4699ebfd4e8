"""What has happened to a signal. Stored for ever; ``evolve`` needs nothing else."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.waits import Wait, WaitClosed, WaitOpened


class SignalBroadcast(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The signal was given. ``waits`` were open: they are going to be reached, in bites, and are over with that."""

    waits: int = 0
    payload: Any = None
    by: str = "system"


class SignalDelivered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The earliest broadcast that is under way reaches these waits; ``payload`` is its own."""

    waits: tuple[Wait, ...]
    payload: Any = None


SignalEvent: TypeAlias = SignalBroadcast | SignalDelivered | WaitOpened | WaitClosed
