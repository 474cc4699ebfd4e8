"""What the catalog can be asked to do."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]


class PublishDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make a version of a definition available. ``source`` is the canonical form (a JSON object), not yet compiled."""

    source: dict[str, Any]
    by: Name = "system"


class ActivateDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: Name
    by: Name = "system"


class DeactivateDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New executions of this version are refused; running ones go on."""

    version: Name
    by: Name = "system"


CatalogCommand: TypeAlias = PublishDefinition | ActivateDefinition | DeactivateDefinition
