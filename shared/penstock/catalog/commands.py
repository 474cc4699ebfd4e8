"""What the catalog can be asked to do."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Revision: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


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


class ArchiveDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """New executions of this version are refused for ever; running ones go on."""

    version: Name
    by: Name = "system"


class SaveDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Keep ``source`` as the definition's one draft; it may have errors.

    ``expected_revision`` is that of the draft which it takes the place of, 0 of none; absent: of any.
    """

    source: dict[str, Any]
    expected_revision: Revision | None = None
    by: Name = "system"


class DiscardDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    expected_revision: Revision | None = None
    by: Name = "system"


class PublishDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Make a version of the draft, if it is still at ``revision``."""

    revision: Revision
    by: Name = "system"


CatalogCommand: TypeAlias = (
    PublishDefinition
    | ActivateDefinition
    | DeactivateDefinition
    | ArchiveDefinition
    | SaveDraft
    | DiscardDraft
    | PublishDraft
)
