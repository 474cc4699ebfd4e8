"""What has happened to a definition. The id of the definition is the envelope's ``subject``."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.definition.findings import Level, Severity
from penstock.domain.definition.model import Graph, Trigger


class DefinitionPublished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    An immutable version: as it was written, as it was compiled, and the SHA-256 of the compiled graph in hex.

    ``draft`` is the revision of the draft that it was, which is gone with it.
    """

    version: str
    source: dict[str, Any]
    graph: Graph
    digest: str
    by: str = "system"
    draft: int | None = None


class DefinitionActivated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


class DefinitionDeactivated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


class DefinitionArchived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: str
    by: str = "system"


class DraftFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the validation said when the draft was saved; ``path`` is the place in the source."""

    level: Level
    severity: Severity
    code: str
    message: str
    path: str = ""
    suggestion: str = ""


class DraftSaved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``revision`` counts all drafts of the definition that were ever saved."""

    revision: int
    source: dict[str, Any]
    findings: tuple[DraftFinding, ...] = ()
    by: str = "system"


class DraftDiscarded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    revision: int
    by: str = "system"


class TriggersChanged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    From here on these triggers start executions of the definition: those of ``version``, its latest active one (None:
    no version is active). ``removed`` are the ids of the schedules that were among them before.
    """

    version: str | None = None
    triggers: tuple[Trigger, ...] = ()
    removed: tuple[str, ...] = ()


CatalogEvent: TypeAlias = (
    DefinitionPublished
    | DefinitionActivated
    | DefinitionDeactivated
    | DefinitionArchived
    | DraftSaved
    | DraftDiscarded
    | TriggersChanged
)
