"""A text as a tree, before it becomes a value: every node knows where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from penstock.domain.definition.findings import Place


class Item(NamedTuple):
    """A node within another; ``key`` is where its key stands."""

    key: Place | None
    node: Node


@dataclass(slots=True)
class Scalar:
    value: str | int | float | bool | None
    place: Place


@dataclass(slots=True)
class Table:
    place: Place
    items: dict[str, Item] = field(default_factory=dict)


@dataclass(slots=True)
class List:
    place: Place
    items: list[Item] = field(default_factory=list)


Node: TypeAlias = Scalar | Table | List
