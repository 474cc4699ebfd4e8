"""What a read model is to whoever fills it: a table, and a pure function from an event to changes of its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.tables.changes import Change
from penstock.tables.shape import Table


class Place(NamedTuple):
    """Where an event stands in its topic."""

    partition: int
    position: int


Project: TypeAlias = Callable[[Recorded[Event], Place], Sequence[Change]]


@dataclass(frozen=True, slots=True)
class ReadModel:
    table: Table
    project: Project


@dataclass(frozen=True, slots=True)
class ReadSet:
    """The read models of one topic. They advance together, and a change of one shape makes all of them anew."""

    topic: str
    models: tuple[ReadModel, ...]

    @property
    def digest(self) -> str:
        shapes = "\n".join(model.table.digest for model in self.models)
        return hashlib.sha256(shapes.encode()).hexdigest()[:10]
