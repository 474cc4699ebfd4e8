"""What has happened to a mailbox and its messages. Stored for ever; ``evolve`` needs nothing else."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.mailbox.message import Message
from penstock.domain.starts import StartRefused
from penstock.domain.waits import WaitClosed, WaitOpened


class MessageKept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message came while nobody waited for it."""

    message: Message
    by: str = "system"


class MessageDelivered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A message goes to a wait, which is over with that. ``direct`` is one that came while somebody waited, from ``by``:
    it was never kept.
    """

    message: Message
    execution: str
    visit: int
    option: int
    direct: bool = False
    by: str = "system"


class MessageReturned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The execution no longer waited: the message is the first in line again, with the time to live that it had."""

    message: Message


class MessageExpired(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody consumed the message in its time to live."""

    message_id: str


class MessageTriggered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Nobody waited for a message, and ``trigger`` of a definition starts ``execution`` with it. With the first of these
    the message is consumed.
    """

    message: Message
    trigger: str
    execution: str
    definition: str
    version: str
    input: dict[str, Any] = {}
    business_key: str | None = None
    by: str = "system"


class TriggerFailed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``trigger`` of a definition could make no input of a message: nothing was started by it."""

    message_id: str
    trigger: str
    definition: str
    version: str
    code: str
    detail: str = ""


MailboxEvent: TypeAlias = (
    MessageKept
    | MessageDelivered
    | MessageReturned
    | MessageExpired
    | MessageTriggered
    | TriggerFailed
    | StartRefused
    | WaitOpened
    | WaitClosed
)
