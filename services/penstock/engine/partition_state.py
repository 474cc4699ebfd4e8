"""
Everything an owner knows about its partition, and how events change it. A restart, a replay and live work all evolve
their entities here: that is why their digests are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution, OpenTask
from penstock.domain.partition import OwnershipTaken, PositionAdvanced
from penstock.domain.subjects import kind_of
from penstock.engine.agenda import Agenda
from penstock.engine.entities import Entities, Entity
from penstock.engine.kinds import Kind
from penstock.engine.seen import Outcome, Seen, command_key, content_key, start_key
from penstock.messages.envelope import Recorded, event_hash
from penstock.messages.registry import Event

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOTHING_DECIDED: Final = -1
PAUSE_AFTER: Final = 2000
"""Entities; about 20 ms of work."""


class Story(NamedTuple):
    """What an entity's events have in common beside their subject (empty correlation: the subject itself)."""

    correlation_id: str
    traceparent: str

    @classmethod
    def of(cls, entity: Entity) -> Story:
        return cls(entity.correlation_id, entity.traceparent)

    @classmethod
    def began(cls, first: Recorded[Event]) -> Story:
        own = first.correlation_id == first.subject
        return cls("" if own else first.correlation_id, first.traceparent).of_its_own(first.subject)

    def of_its_own(self, subject: str) -> Story:
        """
        What ``subject`` keeps of the story in which it began: everything for an execution, which is a story. Others
        outlive the stories of those who use them.
        """
        return self if kind_of(subject) == "execution" else Story("", "")


class PartitionState:
    """
    ``input_position`` is that of the last decided command, ``last_time`` the time of the last event, ``partitions`` how
    many its topic had when its first owner took it (0: nobody has).
    """

    def __init__(self, kind: Kind, *, remember: int = 5_000_000) -> None:
        self.kind = kind
        self.entities = Entities(kind.encode, kind.decode)
        self.seen = Seen(remember)
        self.agenda = Agenda()
        self.beats: dict[str, dict[int, datetime]] = {}
        self.input_position = NOTHING_DECIDED
        self.last_time = BEGINNING
        self.event_position = 0
        self.events = 0
        self.refused = 0
        self.dead_letters = 0
        self.partitions = 0

    def apply(self, recorded: Recorded[Event], value: bytes) -> None:
        """Take in an event of the log, which ``value`` encodes; one that a snapshot covers already changes nothing."""
        self.input_position = max(self.input_position, recorded.input_position)
        self.last_time = max(self.last_time, recorded.time)
        self.events += 1
        match recorded.event:
            case OwnershipTaken(partitions=partitions):
                self.partitions = self.partitions or partitions
            case PositionAdvanced(settled=settled):
                for command in settled:
                    key = command_key(command.subject, command.command)
                    self.remember(key, command.code, recorded.input_position, recorded.time)
            case event:
                self._apply_entity_event(recorded, event, event_hash(value))

    def _apply_entity_event(self, recorded: Recorded[Event], event: Event, digest: str) -> None:
        self.remember_cause(recorded.subject, recorded.causation_id, event, recorded.input_position, recorded.time)
        entity = self.entities.get(recorded.subject)
        if entity is not None and entity.sequence >= recorded.sequence:
            return
        if entity is None and recorded.sequence > 1:
            self._end_unseen(recorded, event, digest)
            return
        state = self.kind.evolve(recorded.subject, entity.state if entity else None, event, recorded.time)
        story = Story.of(entity) if entity else Story.began(recorded)
        self.store(Entity(recorded.subject, recorded.sequence, digest, state, *story))

    def _end_unseen(self, recorded: Recorded[Event], event: Event, digest: str) -> None:
        """An entity that ended before its last snapshot was forgotten: only its end still counts."""
        match event:
            case e.ExecutionCompleted(output=output):
                ended = ("completed", output)
            case e.ExecutionCancelled():
                ended = ("cancelled", None)
            case e.ExecutionTerminated():
                ended = ("terminated", None)
            case _:
                return
        self.entities.end(Entity(recorded.subject, recorded.sequence, digest, None), *ended)

    def store(self, entity: Entity) -> None:
        """Keep ``entity`` as it is now: live, or only its part of the digest when it has ended."""
        ended = self.kind.outcome(entity.id, entity.state)
        if ended is not None:
            self.entities.end(entity, *ended)
            self.agenda.put(entity.id, None)
            self.beats.pop(entity.id, None)
            return
        self.entities.put(entity)
        self.schedule(entity)

    def schedule(self, entity: Entity) -> None:
        self.agenda.put(entity.id, self.kind.due_at(entity.id, entity.state, self.beats.get(entity.id, {})))

    def beat(self, subject: str, visit: int, now: datetime) -> None:
        """A claimed attempt showed that it lives."""
        entity = self.entities.get(subject)
        if entity is not None:
            self.beats.setdefault(subject, {})[visit] = now
            self.schedule(entity)

    def grant_full_interval(self, now: datetime) -> Iterator[None]:
        """
        After a restart: put everything on the agenda, and give every claimed attempt one whole interval to show that it
        lives (decisions 17). Pauses now and then, so that whoever drives it can let others run.
        """
        for number, entity in enumerate(self.entities):
            if number % PAUSE_AFTER == PAUSE_AFTER - 1:
                yield
            if isinstance(entity.state, Execution):
                held = [n for n, v in entity.state.visits.items() if isinstance(v, OpenTask) and v.claim]
                if held:
                    self.beats[entity.id] = dict.fromkeys(held, now)
            self.schedule(entity)

    def remember(self, key: bytes, code: str, position: int, at: datetime) -> None:
        self.seen.add(key, Outcome(code, position), at.timestamp())

    def remember_cause(self, subject: str, cause: str, event: Event, position: int, at: datetime) -> None:
        """Keep the command that caused ``event``, where a caller might repeat it."""
        if isinstance(event, e.ExecutionStarted):
            self.remember(start_key(subject), "", position, at)
            self.remember(content_key(subject, event.definition, event.input, event.business_key), "", position, at)
        elif cause and self.kind.answers_caller(subject, event):
            self.remember(command_key(subject, cause), "", position, at)
