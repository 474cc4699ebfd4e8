"""What an event of the catalog obliges the world to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from penstock.catalog.events import (
    CatalogEvent,
    DefinitionActivated,
    DefinitionArchived,
    DefinitionDeactivated,
    DefinitionPublished,
    DraftDiscarded,
    DraftSaved,
    TriggersChanged,
)
from penstock.catalog.queues import queues_of
from penstock.catalog.triggers import scheduled
from penstock.domain.execution.effects import SendCommand


@dataclass(frozen=True, slots=True)
class EnsureQueues:
    """The topics of these queues exist before anything is sent to them (a send to a missing one hangs)."""

    names: tuple[str, ...]


CatalogEffect: TypeAlias = EnsureQueues | SendCommand


def react(definition_id: str, event: CatalogEvent) -> tuple[CatalogEffect, ...]:
    """What ``event`` of a definition obliges to."""
    match event:
        case DefinitionPublished():
            names = queues_of(event.graph)
            return (EnsureQueues(names),) if names else ()
        case TriggersChanged():
            return scheduled(definition_id, event)
        case DefinitionActivated() | DefinitionDeactivated() | DefinitionArchived() | DraftSaved() | DraftDiscarded():
            return ()
        case _:
            assert_never(event)
