"""What a ``Client`` returns about drafts and versions of definitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from penstock.catalog.events import DraftFinding
from penstock.domain.definition.compatibility import Problem
from penstock.domain.definition.diff import Change


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """
    The draft of a definition; ``findings`` is what the validation says about it, ``errors`` how many are errors.

    ``source`` and ``findings`` are empty in lists.
    """

    id: str
    revision: int
    version: str | None = None
    source: dict[str, Any] = {}
    findings: tuple[DraftFinding, ...] = ()
    errors: int
    saved_at: datetime
    saved_by: str


class DraftReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A draft is saved. ``findings`` have lines and columns where the source was a text."""

    id: str
    token: str
    command_id: str
    findings: tuple[dict[str, Any], ...] = ()


class VersionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line in the history of a definition: a version, or its draft, which has a ``revision``."""

    id: str
    status: str
    version: str | None = None
    revision: int | None = None
    digest: str | None = None
    published_at: datetime | None = None
    published_by: str | None = None
    changed_at: datetime | None = None
    changed_by: str | None = None
    saved_at: datetime | None = None
    saved_by: str | None = None


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What is different between two versions; ``str`` of a change is a sentence."""

    id: str
    old: str = msgspec.field(name="from")
    to: str
    changes: tuple[Change, ...] = ()


class Compatible(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an execution could go on under another version. It stays in ``steps``, its ``tokens`` wait."""

    execution: str
    status: str
    compatible: bool
    steps: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
