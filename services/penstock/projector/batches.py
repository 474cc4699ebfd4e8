"""From records to rows, purely: decode, project, fold; and what the positions become with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from penstock.log.port import Record, TopicPartition
from penstock.messages.envelope import Recorded, UnknownType, decode_event
from penstock.messages.registry import Event
from penstock.messages.wellformed import Malformed
from penstock.projections.positions import NOTHING, Standing, Step
from penstock.projections.read_model import Place, Project, ReadSet
from penstock.tables.changes import Folded


class Progress(msgspec.Struct, frozen=True):
    """
    How far a partition is applied.

    All events of one commit carry the same input position, and a batch may end in the middle of a commit. So the
    highest one seen (``seen``) is known to be whole only when a higher one follows or the log ends; ``whole`` is the
    highest of which that is known.
    """

    position: int
    whole: int = NOTHING
    seen: int = NOTHING
    event_time: datetime | None = None

    @classmethod
    def of(cls, standing: Standing) -> Progress:
        return cls(standing.position, standing.input_position, standing.input_position, standing.event_time)

    def after(self, recorded: Recorded[Event], position: int) -> Progress:
        latest, seen = recorded.input_position, self.seen
        if latest > seen:
            return Progress(position + 1, seen, latest, recorded.time)
        return Progress(position + 1, self.whole, seen, recorded.time)

    def past(self, position: int) -> Progress:
        """After a record that says nothing to us."""
        return Progress(position + 1, self.whole, self.seen, self.event_time)

    def to(self, position: int, *, ended: bool) -> Progress:
        """Past a gap to ``position``; ``ended``: nothing more was there when it was reached."""
        whole = self.seen if ended else self.whole
        return Progress(max(self.position, position), whole, self.seen, self.event_time)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that no read model can take."""

    place: TopicPartition
    position: int
    cause: str
    unknown: str = ""


@dataclass(slots=True)
class Batch:
    """What some records make of the tables (one ``Folded`` per read model) and of the positions."""

    sets: Mapping[str, ReadSet]
    before: Mapping[TopicPartition, Progress]
    folded: dict[str, list[Folded]] = field(default_factory=dict)
    after: dict[TopicPartition, Progress] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    events: int = 0

    def add(self, records: Sequence[Record]) -> None:
        for partition, run in groupby(records, _PARTITION):  # a reader gives those of one partition in a row
            self._add(TopicPartition(*partition), run)

    def skip(self, record: Record, cause: str) -> None:
        """Move past a record that the tables refuse."""
        partition = TopicPartition(record.topic, record.partition)
        self.skipped.append(Skipped(partition, record.position, cause))
        self.after[partition] = self.before[partition].past(record.position)

    def steps(self, current: Mapping[TopicPartition, datetime]) -> Sequence[Step]:
        return [
            Step(key, self.before[key].position, to.position, to.whole, to.event_time, current.get(key))
            for key, to in self.after.items()
        ]

    def _add(self, partition: TopicPartition, records: Iterable[Record]) -> None:
        progress = self.after.get(partition) or self.before[partition]
        models = self._models(partition.topic)
        for record in records:
            position = record.position
            if position < progress.position:
                continue
            try:
                recorded = _decoded(record)
            except Malformed as error:
                unknown = error.name if isinstance(error, UnknownType) else ""
                self.skipped.append(Skipped(partition, position, str(error), unknown))
                progress = progress.past(position)
                continue
            progress = progress.after(recorded, position)
            at = Place(partition.partition, position)
            for project, rows in models:
                rows.add(project(recorded, at))
            self.events += 1
        self.after[partition] = progress

    def _models(self, topic: str) -> Sequence[tuple[Project, Folded]]:
        """How an event of ``topic`` changes each read model, and where that is gathered."""
        models = self.sets[topic].models
        folded = self.folded.get(topic)
        if folded is None:
            folded = self.folded[topic] = [Folded() for _ in models]
        return [(model.project, rows) for model, rows in zip(models, folded, strict=True)]


_PARTITION: Final = itemgetter(0, 1)
"""Topic and number of a record's partition."""


def _decoded(record: Record) -> Recorded[Event]:
    if record.value is None:
        raise Malformed("expected an event, but it is a tombstone")
    return decode_event(record.value)
