"""What a mailbox holds: the messages of one name and correlation key, and the waits for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from penstock.domain.mailbox.message import Message
from penstock.domain.waits import Wait

MAX_KEPT: Final = 10_000
MAX_CONSUMED: Final = 1_000
"""Ids of messages that have left: a sender who repeats himself is recognised by them."""
DEFAULT_TTL: Final = timedelta(days=7)
MAX_TTL: Final = timedelta(days=30)


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mailbox"):
    """
    ``kept`` by message id and ``waits`` by key, both the first one first; ``consumed`` are the ids of the last messages
    that left, ``expires_at`` is when the first of those kept does.

    A mailbox never ends: one that was emptied stays, small, so that its sequence and its chain go on.
    """

    kept: dict[str, Message] = {}
    waits: dict[str, Wait] = {}
    consumed: tuple[str, ...] = ()
    expires_at: datetime | None = None


EMPTY: Final = Mailbox()


def due_at(state: Mailbox) -> datetime | None:
    """When the clock has to come back: the next message expires."""
    return state.expires_at
