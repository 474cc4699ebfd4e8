"""What an event of the catalog obliges the world to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from penstock.catalog.events import CatalogEvent, DefinitionActivated, DefinitionDeactivated, DefinitionPublished
from penstock.catalog.queues import queues_of


@dataclass(frozen=True, slots=True)
class EnsureQueues:
    """The topics of these queues exist before anything is sent to them (a send to a missing one hangs)."""

    names: tuple[str, ...]


CatalogEffect: TypeAlias = EnsureQueues


def react(event: CatalogEvent) -> tuple[CatalogEffect, ...]:
    match event:
        case DefinitionPublished():
            names = queues_of(event.graph)
            return (EnsureQueues(names),) if names else ()
        case DefinitionActivated() | DefinitionDeactivated():
            return ()
        case _:
            assert_never(event)
