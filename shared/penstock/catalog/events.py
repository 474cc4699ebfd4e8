"""What has happened to a definition. The id of the definition is the envelope's ``subject``."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.definition.model import Graph


class DefinitionPublished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An immutable version: as it was written, as it was compiled, and the SHA-256 of the compiled graph in hex."""

    version: str
    source: dict[str, Any]
    graph: Graph
    digest: str
    by: str = "system"


class DefinitionActivated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


class DefinitionDeactivated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


CatalogEvent: TypeAlias = DefinitionPublished | DefinitionActivated | DefinitionDeactivated
