"""What a message starts that nobody waits for: an execution for each trigger of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace

from penstock.domain.definition.model import Definition, Trigger
from penstock.domain.execution.input import checked_input
from penstock.domain.ids import derived_id
from penstock.domain.mailbox import events as e
from penstock.domain.mailbox.message import Message
from penstock.domain.rejected import Rejected
from penstock.domain.starts import worked_out

Triggered: TypeAlias = Callable[[str], Sequence[Definition]]
"""The definitions that messages of a name start, each in its latest active version."""


def start(
    definitions: Sequence[Definition], message: Message, subject: str, by: str, now: datetime
) -> tuple[tuple[e.MessageTriggered, ...], tuple[e.TriggerFailed, ...]]:
    """What ``message`` starts, and which triggers can make no input of it."""
    started: list[e.MessageTriggered] = []
    failed: list[e.TriggerFailed] = []
    for definition in definitions:
        for trigger in definition.graph.triggers:
            if trigger.kind == "message" and trigger.name == message.name:
                seed = f"{subject}/{message.id}/{definition.id}/{trigger.id}"
                try:
                    started.append(_triggered(definition, trigger, message, derived_id(now, seed), now))
                except Rejected as error:
                    failed.append(_failed(definition, trigger, message, error))
    return tuple(replace(event, by=by) for event in started), tuple(failed)


def _triggered(
    definition: Definition, trigger: Trigger, message: Message, execution: str, now: datetime
) -> e.MessageTriggered:
    given, business_key = worked_out(trigger.input, trigger.business_key, now, payload=message.payload, key=message.key)
    checked_input(definition, given)
    return e.MessageTriggered(
        message=message,
        trigger=trigger.id,
        execution=execution,
        definition=definition.id,
        version=definition.version,
        input=given,
        business_key=business_key,
    )


def _failed(definition: Definition, trigger: Trigger, message: Message, error: Rejected) -> e.TriggerFailed:
    return e.TriggerFailed(
        message_id=message.id,
        trigger=trigger.id,
        definition=definition.id,
        version=definition.version,
        code=error.code,
        detail=error.detail[:1000],
    )
