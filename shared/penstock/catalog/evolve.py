"""What an event of the catalog changes in the definition that it is about."""

from __future__ import annotations

from typing import assert_never

import msgspec

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
from penstock.catalog.versions import DefinitionState, Draft, Published, Version, source_digest


def evolve(state: DefinitionState, event: CatalogEvent) -> DefinitionState:
    """One definition after ``event``."""
    match event:
        case DefinitionPublished():
            return _published(state, event)
        case DefinitionActivated():
            return _switched(state, event.version, active=True)
        case DefinitionDeactivated():
            return _switched(state, event.version, active=False)
        case DefinitionArchived():
            return _switched(state, event.version, active=False, archived=True)
        case DraftSaved(revision=revision, source=source):
            return msgspec.structs.replace(state, revision=revision, draft=Draft(revision=revision, source=source))
        case DraftDiscarded():
            return msgspec.structs.replace(state, draft=None)
        case TriggersChanged():
            return state
        case _:
            assert_never(event)


def _published(state: DefinitionState, event: DefinitionPublished) -> Published:
    version = Version(
        digest=event.digest,
        source=source_digest(event.source),
        draft=event.draft,
        triggers=event.graph.triggers,
    )
    draft = state.draft if event.draft is None else None
    return Published(versions={**_versions(state), event.version: version}, revision=state.revision, draft=draft)


def _switched(state: DefinitionState, version: str, *, active: bool, archived: bool = False) -> Published:
    versions = _versions(state)
    switched = msgspec.structs.replace(versions[version], active=active, archived=archived)
    return Published(versions={**versions, version: switched}, revision=state.revision, draft=state.draft)


def _versions(state: DefinitionState) -> dict[str, Version]:
    return state.versions if isinstance(state, Published) else {}
