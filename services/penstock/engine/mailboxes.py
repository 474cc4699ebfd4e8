"""Mailboxes as a kind of entity."""

from __future__ import annotations

from typing import get_args

from penstock.domain.mailbox.commands import MailboxCommand, SendMessage
from penstock.domain.mailbox.decide import decide
from penstock.domain.mailbox.events import MessageDelivered, MessageKept, MessageTriggered
from penstock.domain.mailbox.evolve import evolve
from penstock.domain.mailbox.react import react
from penstock.domain.mailbox.state import EMPTY, due_at
from penstock.domain.mailbox.triggering import Triggered
from penstock.engine.executions import PublishedDefinitions
from penstock.engine.plain_kind import PlainKind
from penstock.messages.registry import Event


def _asked(event: Event) -> bool:
    direct = isinstance(event, MessageDelivered) and event.direct
    return direct or isinstance(event, MessageKept | MessageTriggered)


def mailboxes(published: PublishedDefinitions | None) -> PlainKind:
    """With ``published`` None no message starts anything. Its definitions are fetched by executions, for all kinds."""
    triggered: Triggered = published.on_message if published is not None else lambda name: ()
    return PlainKind(
        commands=frozenset(get_args(MailboxCommand)),
        callers=frozenset({SendMessage}),
        nothing=EMPTY,
        decide=lambda subject, state, command, now: decide(state, command, subject, now, triggered),
        apply=evolve,
        oblige=react,
        due=due_at,
        asked=_asked,
    )
