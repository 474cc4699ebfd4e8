"""What a signal can be asked to do. Its subject holds its name."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.execution.commands import FireTimers, Name
from penstock.domain.waits import CloseWait, OpenWait


class BroadcastSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reach everyone whose wait is open now; for everybody else it is lost."""

    payload: Any = None
    by: Name = "system"


SignalCommand: TypeAlias = BroadcastSignal | OpenWait | CloseWait | FireTimers
