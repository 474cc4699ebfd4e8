"""What the catalog can be asked to do."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class PublishDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make a version of a definition available. ``source`` is the canonical form (a JSON object), not yet compiled."""

    source: dict[str, Any]
    by: str = "system"


class ActivateDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


class DeactivateDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New executions of this version are refused; running ones go on."""

    version: str
    by: str = "system"


CatalogCommand: TypeAlias = PublishDefinition | ActivateDefinition | DeactivateDefinition
