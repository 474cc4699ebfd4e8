"""A message: kept in the mailbox of its name and correlation key until one execution consumes it, or it expires."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``id`` is the sender's: the same id is the same message."""

    id: str
    name: str
    key: str
    payload: Any = None
    sent_at: datetime
    expires_at: datetime
