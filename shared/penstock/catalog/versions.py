"""The state of one definition: which versions are published, and which of them take new executions."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec

from penstock.catalog.precedence import precedence


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``digest`` is the graph's; ``source`` that of the text, which a later release may compile to another graph."""

    digest: str
    source: str
    active: bool = True


class Unpublished(msgspec.Struct, frozen=True, tag="unpublished"):
    """Nothing has happened yet."""


class Published(msgspec.Struct, frozen=True, kw_only=True, tag="published"):
    """``versions`` in the order in which they were published."""

    versions: dict[str, Version]


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
