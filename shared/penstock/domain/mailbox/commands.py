"""What a mailbox can be asked to do. Its subject holds the name and the correlation key of its messages."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.execution.commands import FireTimers, Name
from penstock.domain.mailbox.message import Message
from penstock.domain.starts import ReportOutcome
from penstock.domain.waits import CloseWait, OpenWait


class SendMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Hand a message to one execution: the first that waits for it, or the next one that will within ``ttl`` seconds
    (7 days unless given). The same ``message_id`` again is the same message.
    """

    message_id: Name
    payload: Any = None
    ttl: float | None = None
    by: Name = "system"


class ReturnMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution did not take the message that it was given. Comes from the engine only."""

    message: Message


MailboxCommand: TypeAlias = SendMessage | ReturnMessage | OpenWait | CloseWait | ReportOutcome | FireTimers
