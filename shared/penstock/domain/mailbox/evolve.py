"""The verb ``evolve`` of mailboxes: what an event makes of one. Never refuses."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.mailbox import events as e
from penstock.domain.mailbox.message import Message
from penstock.domain.mailbox.state import MAX_CONSUMED, Mailbox
from penstock.domain.starts import StartRefused
from penstock.domain.waits import Wait, WaitClosed, WaitOpened, wait_of


def evolve(state: Mailbox, event: e.MailboxEvent) -> Mailbox:
    """The mailbox after ``event``."""
    match event:
        case e.MessageKept(message=message):
            return _with(state, {**state.kept, message.id: message}, message)
        case e.MessageDelivered(message=message):
            wait = Wait(execution=event.execution, visit=event.visit, option=event.option)
            return _left(replace(state, waits=_without(state.waits, wait)), message.id)
        case e.MessageReturned(message=message):
            consumed = tuple(id_ for id_ in state.consumed if id_ != message.id)
            return _with(replace(state, consumed=consumed), {message.id: message, **state.kept}, message)
        case e.MessageExpired(message_id=message_id):
            return _left(state, message_id)
        case e.MessageTriggered(message=message):
            return _left(state, message.id)
        case e.TriggerFailed() | StartRefused():
            return state
        case WaitOpened():
            wait = wait_of(event)
            return replace(state, waits={**state.waits, wait.key: wait})
        case WaitClosed():
            return replace(state, waits=_without(state.waits, wait_of(event)))
        case _:
            assert_never(event)


def _with(state: Mailbox, kept: dict[str, Message], new: Message) -> Mailbox:
    expires_at = new.expires_at if state.expires_at is None else min(state.expires_at, new.expires_at)
    return replace(state, kept=kept, expires_at=expires_at)


def _left(state: Mailbox, message_id: str) -> Mailbox:
    """The message is not here any more; its id is remembered as the latest."""
    before = tuple(id_ for id_ in state.consumed if id_ != message_id)
    consumed = (*before, message_id)[-MAX_CONSUMED:]
    message = state.kept.get(message_id)
    if message is None:
        return replace(state, consumed=consumed)
    kept = {id_: other for id_, other in state.kept.items() if id_ != message_id}
    expires_at = state.expires_at
    if message.expires_at == expires_at:
        expires_at = min((other.expires_at for other in kept.values()), default=None)
    return replace(state, kept=kept, consumed=consumed, expires_at=expires_at)


def _without(waits: dict[str, Wait], wait: Wait) -> dict[str, Wait]:
    return {key: other for key, other in waits.items() if key != wait.key}
