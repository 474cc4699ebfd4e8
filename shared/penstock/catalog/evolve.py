"""What an event of the catalog changes in the definition that it is about."""

from __future__ import annotations

from typing import assert_never

import msgspec

from penstock.catalog.events import CatalogEvent, DefinitionActivated, DefinitionDeactivated, DefinitionPublished
from penstock.catalog.versions import DefinitionState, Published, Version, source_digest


def evolve(state: DefinitionState, event: CatalogEvent) -> DefinitionState:
    """One definition after ``event``."""
    match event:
        case DefinitionPublished():
            version = Version(digest=event.digest, source=source_digest(event.source))
            return Published(versions={**_versions(state), event.version: version})
        case DefinitionActivated():
            return _switched(state, event.version, active=True)
        case DefinitionDeactivated():
            return _switched(state, event.version, active=False)
        case _:
            assert_never(event)


def _switched(state: DefinitionState, version: str, *, active: bool) -> Published:
    versions = _versions(state)
    return Published(versions={**versions, version: msgspec.structs.replace(versions[version], active=active)})


def _versions(state: DefinitionState) -> dict[str, Version]:
    return state.versions if isinstance(state, Published) else {}
