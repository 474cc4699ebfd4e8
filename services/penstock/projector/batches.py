"""From records to rows, purely: decode, project, fold; and what the positions become with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from penstock.log.port import Record, TopicPartition
from penstock.messages.envelope import Recorded, UnknownType, decode_event
from penstock.messages.registry import Event
from penstock.messages.wellformed import Malformed
from penstock.projections.positions import NOTHING, Standing, Step
from penstock.projections.read_model import Place, ReadSet
from penstock.tables.changes import Folded


@dataclass(frozen=True, slots=True)
class Progress:
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
        higher = recorded.input_position > self.seen
        whole = max(self.whole, self.seen) if higher else self.whole
        return Progress(position + 1, whole, max(self.seen, recorded.input_position), recorded.time)

    def to(self, position: int, *, ended: bool) -> Progress:
        """Past a gap to ``position``; ``ended``: nothing more was there when it was reached."""
        whole = max(self.whole, self.seen) if ended else self.whole
        return replace(self, position=max(self.position, position), whole=whole)


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
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            progress = self.after.get(partition) or self.before[partition]
            if record.position < progress.position:
                continue
            try:
                recorded = _decoded(record)
            except Malformed as error:
                unknown = error.name if isinstance(error, UnknownType) else ""
                self.skipped.append(Skipped(partition, record.position, str(error), unknown))
                self.after[partition] = replace(progress, position=record.position + 1)
                continue
            self.after[partition] = progress.after(recorded, record.position)
            self._project(record, recorded)

    def skip(self, record: Record, cause: str) -> None:
        """Move past a record that the tables refuse."""
        partition = TopicPartition(record.topic, record.partition)
        self.skipped.append(Skipped(partition, record.position, cause))
        self.after[partition] = replace(self.before[partition], position=record.position + 1)

    def steps(self, current: Mapping[TopicPartition, datetime]) -> Sequence[Step]:
        return [
            Step(key, self.before[key].position, to.position, to.whole, to.event_time, current.get(key))
            for key, to in self.after.items()
        ]

    def _project(self, record: Record, recorded: Recorded[Event]) -> None:
        models = self.sets[record.topic].models
        folded = self.folded.get(record.topic)
        if folded is None:
            folded = self.folded[record.topic] = [Folded() for _ in models]
        at = Place(record.partition, record.position)
        for model, rows in zip(models, folded, strict=True):
            rows.add(model.project(recorded, at))
        self.events += 1


def _decoded(record: Record) -> Recorded[Event]:
    if record.value is None:
        raise Malformed("expected an event, but it is a tombstone")
    return decode_event(record.value)
