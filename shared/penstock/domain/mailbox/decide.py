"""
The verb ``decide`` of mailboxes: one message goes to exactly one wait, the first message to the first wait. Where
nobody waits, it starts what it triggers, or is kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final, assert_never

from penstock.domain.execution.commands import FireTimers
from penstock.domain.mailbox import events as e
from penstock.domain.mailbox.commands import MailboxCommand, ReturnMessage, SendMessage
from penstock.domain.mailbox.message import Message
from penstock.domain.mailbox.state import DEFAULT_TTL, MAX_KEPT, MAX_TTL, Mailbox
from penstock.domain.mailbox.triggering import Triggered, start
from penstock.domain.payloads import checked_size
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.starts import ReportOutcome, StartRefused
from penstock.domain.waits import CloseWait, OpenWait, Wait, WaitClosed, WaitOpened, wait_of

MAX_EVENTS: Final = 1000
"""A decision is bounded; what expired beyond that goes in the next one (decisions 10)."""


def decide(
    state: Mailbox, command: MailboxCommand, subject: str, now: datetime, triggered: Triggered = lambda name: ()
) -> tuple[e.MailboxEvent, ...]:
    """
    The events that ``command`` to the mailbox ``subject`` causes; none when it was done already.

    ``triggered`` gives the definitions that messages of a name start.

    Raises:
        Rejected: the message does not fit in, or can never be kept as it is.

    """
    match command:
        case SendMessage():
            return _send(state, command, subject, now, triggered)
        case ReturnMessage(message=message):
            return _return(state, message, subject, now, triggered)
        case OpenWait():
            return _open(state, wait_of(command), now)
        case CloseWait():
            return _close(state, wait_of(command))
        case ReportOutcome(execution=execution, code=code):
            return (StartRefused(execution=execution, code=code),) if code else ()
        case FireTimers():
            return _expire(state, now)
        case _:
            assert_never(command)


def _send(
    state: Mailbox, command: SendMessage, subject: str, now: datetime, triggered: Triggered
) -> tuple[e.MailboxEvent, ...]:
    if command.message_id in state.kept or command.message_id in state.consumed:
        return ()
    checked_size(command.payload)
    _, name, key = subject.split("/", 2)
    message = Message(
        id=command.message_id,
        name=name,
        key=key,
        payload=command.payload,
        sent_at=now,
        expires_at=now + _ttl(command),
    )
    if (first := _first(state)) is not None:
        return (_delivered(message, first, direct=True, by=command.by),)
    started, failed = start(triggered(name), message, subject, command.by, now)
    if started:
        return (*failed, *started)
    if len(state.kept) >= MAX_KEPT:
        raise Rejected(
            RejectionCode.MAILBOX_FULL,
            f"expected fewer than {MAX_KEPT:,} messages that nobody has consumed, but {subject} is full",
        )
    return (*failed, e.MessageKept(message=message, by=command.by))


def _ttl(command: SendMessage) -> timedelta:
    if command.ttl is None:
        return DEFAULT_TTL
    if not 0 < command.ttl <= MAX_TTL.total_seconds():
        raise Rejected(
            RejectionCode.INPUT_INVALID,
            f"expected a time to live above 0 and of at most {MAX_TTL.days} days, but got {command.ttl:g} seconds",
        )
    return timedelta(seconds=command.ttl)


def _return(
    state: Mailbox, message: Message, subject: str, now: datetime, triggered: Triggered
) -> tuple[e.MailboxEvent, ...]:
    if message.id in state.kept:
        return ()
    if message.expires_at <= now:
        return (e.MessageExpired(message_id=message.id),)
    if (first := _first(state)) is not None:
        return (_delivered(message, first),)
    started, failed = start(triggered(message.name), message, subject, "system", now)
    return (*failed, *started) if started else (*failed, e.MessageReturned(message=message))


def _open(state: Mailbox, wait: Wait, now: datetime) -> tuple[e.MailboxEvent, ...]:
    if wait.key in state.waits:
        return ()
    opened = WaitOpened(execution=wait.execution, visit=wait.visit, option=wait.option)
    oldest = next((message for message in state.kept.values() if message.expires_at > now), None)
    if oldest is None or state.waits:
        return (opened,)
    return (opened, _delivered(oldest, wait))


def _close(state: Mailbox, wait: Wait) -> tuple[e.MailboxEvent, ...]:
    if wait.key not in state.waits:
        return ()
    return (WaitClosed(execution=wait.execution, visit=wait.visit, option=wait.option),)


def _expire(state: Mailbox, now: datetime) -> tuple[e.MailboxEvent, ...]:
    over = (message.id for message in state.kept.values() if message.expires_at <= now)
    return tuple(e.MessageExpired(message_id=id_) for id_ in islice(over, MAX_EVENTS))


def _first(state: Mailbox) -> Wait | None:
    return next(iter(state.waits.values()), None)


def _delivered(message: Message, wait: Wait, *, direct: bool = False, by: str = "system") -> e.MessageDelivered:
    return e.MessageDelivered(
        message=message, execution=wait.execution, visit=wait.visit, option=wait.option, direct=direct, by=by
    )
