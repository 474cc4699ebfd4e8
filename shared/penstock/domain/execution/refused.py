"""What the refusal of a command obliges to: whoever gave something to an execution that cannot take it gets it back."""

from __future__ import annotations

import msgspec

from penstock.domain.execution.commands import DeliverMessage, GrantLock, StartExecution
from penstock.domain.execution.effects import Effect, SendCommand
from penstock.domain.execution.react import start_refused
from penstock.domain.lock.commands import ReleaseLock
from penstock.domain.mailbox.commands import ReturnMessage
from penstock.domain.rejected import RejectionCode
from penstock.domain.subjects import lock_of, mailbox_of


def refused(subject: str, command: msgspec.Struct, code: RejectionCode) -> tuple[Effect, ...]:
    """What is owed because ``subject`` refused ``command`` with ``code``; whatever the code, nothing may get lost."""
    match command:
        case DeliverMessage(message=message):
            back = ReturnMessage(message=message)
            return (SendCommand(subject=mailbox_of(message.name, message.key), command=back),)
        case GrantLock(visit=visit, lock=lock):
            return (SendCommand(subject=lock_of(lock), command=ReleaseLock(execution=subject, visit=visit)),)
        case StartExecution():
            return start_refused(subject, code)
        case _:
            return ()
