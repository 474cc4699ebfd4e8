"""What a table looks like, as a value. A changed shape is another table, never an altered one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

SEQUENCE: Final = "sequence"
"""The column that guards a row: a change with the same or a lower sequence has been applied already."""


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is Postgres' own word for it (never an array: arrays of rows are how columns travel)."""

    name: str
    type: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """``on`` is what stands between the parentheses, ``where`` a constant condition."""

    on: str
    where: str = ""
    method: str = "btree"


@dataclass(frozen=True, slots=True)
class Table:
    """
    A read model's table. ``revision`` is raised when the same columns get another meaning, so that rows are made anew.

    Rows are guarded by a column ``sequence``; those of an ``append_only`` table are written once. ``born_once``: a key
    is hardly ever inserted again, so that new rows are copied first, and compared with what is there only where that
    fails. It says how rows are written, and is no part of the shape.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    append_only: bool = False
    fill: int = 100
    revision: int = 1
    born_once: bool = field(default=False, repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def create(self, stored: str) -> tuple[str, ...]:
        """The statements that make the table under the name ``stored``. Postgres names keys and indexes itself."""
        columns = [f"{c.name} {c.type}{' not null' if c.required or c.name in self.key else ''}" for c in self.columns]
        keys = f"primary key ({', '.join(self.key)})"
        table = f"create table {stored} ({', '.join([*columns, keys])}) with (fillfactor = {self.fill})"
        return (table, *(_index(stored, index) for index in self.indexes))


def _index(stored: str, index: Index) -> str:
    where = f" where {index.where}" if index.where else ""
    return f"create index on {stored} using {index.method} ({index.on}){where}"
