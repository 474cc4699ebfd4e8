"""The verb ``react`` of mailboxes: what an event obliges them to tell executions, or to start."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.commands import DeliverMessage
from penstock.domain.execution.effects import SendCommand
from penstock.domain.mailbox import events as e
from penstock.domain.starts import StartRefused, start_of
from penstock.domain.waits import WaitClosed, WaitOpened, confirmed


def react(subject: str, event: e.MailboxEvent) -> tuple[SendCommand, ...]:
    """What the mailbox ``subject`` tells others because of ``event``."""
    match event:
        case e.MessageDelivered(execution=execution, visit=visit, option=option, message=message):
            command = DeliverMessage(visit=visit, option=option, message=message)
            return (SendCommand(subject=execution, command=command),)
        case WaitOpened():
            return (confirmed(event),)
        case e.MessageTriggered():
            return (start_of(subject, event),)
        case (
            e.MessageKept()
            | e.MessageReturned()
            | e.MessageExpired()
            | e.TriggerFailed()
            | StartRefused()
            | WaitClosed()
        ):
            return ()
        case _:
            assert_never(event)
