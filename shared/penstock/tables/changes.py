"""What a projection asks of a table, as values, and how many of them become few rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

Key: TypeAlias = tuple[Any, ...]
Fields: TypeAlias = dict[str, Any]


class Insert(msgspec.Struct, frozen=True):
    """A whole new row (columns that are absent are null). Instead of an older one with the same key."""

    key: Key
    row: Fields


class Patch(msgspec.Struct, frozen=True):
    """Some columns of a row that is there; nothing happens where it is not."""

    key: Key
    row: Fields


class Append(msgspec.Struct, frozen=True):
    """One more row of an append-only table, all columns in their order."""

    row: tuple[Any, ...]


Change: TypeAlias = Insert | Patch | Append


@dataclass(slots=True)
class Folded:
    """At most one row or one patch per key; both carry the sequence of the last change that went into them."""

    rows: dict[Key, Fields] = field(default_factory=dict)
    patches: dict[Key, Fields] = field(default_factory=dict)
    appended: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if isinstance(change, Append):
                self.appended.append(change.row)
            elif isinstance(change, Patch):
                self._patch(change.key, change.row)
            else:
                self.rows[change.key] = change.row.copy()
                self.patches.pop(change.key, None)

    def _patch(self, key: Key, row: Fields) -> None:
        known = self.rows.get(key) or self.patches.get(key)
        if known is None:
            self.patches[key] = row.copy()
        else:
            known.update(row)
