"""The state of one definition: which versions are published, and which of them take new executions."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

import msgspec

from penstock.catalog.precedence import precedence
from penstock.domain.definition.model import Trigger

Status: TypeAlias = Literal["published", "inactive", "archived"]


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    ``digest`` is the graph's; ``source`` that of the text, which a later release may compile to another graph.

    What is ``archived`` is never active again. ``draft`` is the revision of the draft that it was, if it was one.
    ``triggers`` are the graph's; they count while it is the latest active version.
    """

    digest: str
    source: str
    active: bool = True
    archived: bool = False
    draft: int | None = None
    triggers: tuple[Trigger, ...] = ()

    @property
    def status(self) -> Status:
        if self.archived:
            return "archived"
        return "published" if self.active else "inactive"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What may become a version; ``revision`` is never used again, not even by the draft after next."""

    revision: int
    source: dict[str, Any]


class Unpublished(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="unpublished"):
    """No version yet. ``revision`` is that of the latest draft, which may be gone."""

    revision: int = 0
    draft: Draft | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="published"):
    """``versions`` in the order in which they were published."""

    versions: dict[str, Version]
    revision: int = 0
    draft: Draft | None = None


DefinitionState: TypeAlias = Unpublished | Published

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def latest(state: DefinitionState) -> str | None:
    """The highest active version by semantic precedence; None if none is active."""
    match state:
        case Published(versions=versions):
            active = [name for name, version in versions.items() if version.active]
            return max(active, key=precedence, default=None)
        case Unpublished():
            return None


def version_of(state: DefinitionState, version: str) -> Version | None:
    return state.versions.get(version) if isinstance(state, Published) else None


def source_digest(source: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a source; the order of its keys does not count, save that of its steps."""
    steps = source.get("steps")
    order = list(steps) if isinstance(steps, dict) else []
    return sha256(_encode([source, order])).hexdigest()
