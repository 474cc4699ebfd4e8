"""
One batch: commands and due timers in, records out. No I/O: the loop reads before it and commits after it.

A state changes in memory as soon as its events are encoded and known to fit. If the commit fails, the loop throws the
whole partition state away, so nothing here has to be undone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from penstock.domain.errors import ErrorCode, Failure
from penstock.domain.execution.commands import (
    CompleteChild,
    CompleteTask,
    DeliverMessage,
    DeliverSignal,
    FailTask,
    FireTimers,
    GrantLock,
    HeartbeatTask,
    ParkExecution,
    StartExecution,
)
from penstock.domain.execution.effects import Effect
from penstock.domain.partition import PositionAdvanced, Settled
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.subjects import kind_of
from penstock.engine.arrival import Arrival
from penstock.engine.entities import Entity
from penstock.engine.outbox import Outbox, TooLarge
from penstock.engine.partition_state import PartitionState, Story
from penstock.engine.seen import WINDOW_HOURS, Outcome, command_key, content_key, start_key
from penstock.log.port import Record
from penstock.log.topics import partition_of
from penstock.messages.envelope import Received, UnknownType
from penstock.messages.registry import Command
from penstock.messages.wellformed import Malformed

AHEAD: Final = timedelta(minutes=10)
"""A start whose id lies further in the future than this could outlive the window that recognises repeats."""

SETTLED_IN_ONE: Final = 200
"""Settled commands in one event: ids are long enough for more not to fit into a record."""

_PATH: Final = re.compile(r"[1-9][0-9]*(\.[1-9][0-9]*)*")
"""What a child's id says after its root: the visits that started it and its parents."""


@dataclass(slots=True)
class Batch:
    """The work of one transaction on ``state``; ``outbox`` collects what it writes."""

    state: PartitionState
    outbox: Outbox
    partition: int
    partitions: int
    now: datetime
    settled: list[Settled] = field(default_factory=list)

    def run(self, arrivals: Sequence[Arrival], horizon: datetime) -> int:
        """
        Decide ``arrivals`` until the transaction is full, and if there is room still, fire the timers that were due by
        ``horizon``. Returns how many arrivals are decided.
        """
        decided = 0
        while decided < len(arrivals) and not self.outbox.full:
            arrival = arrivals[decided]
            self.state.input_position = self.outbox.input_position = arrival.record.position
            self._arrival(arrival)
            decided += 1
        if decided == len(arrivals):
            self._timers(horizon)
        if self.settled or self.outbox.last_event_position < self.state.input_position:
            for some in _batched(self.settled, SETTLED_IN_ONE) or [()]:
                self.outbox.partition_event(PositionAdvanced(settled=some))
        return decided

    def _timers(self, horizon: datetime) -> None:
        while not self.outbox.full and (subject := self.state.agenda.pop_due(horizon)) is not None:
            self._fire(subject)

    def _arrival(self, arrival: Arrival) -> None:
        record, received = arrival
        if isinstance(received, Malformed):
            code = RejectionCode.COMMAND_UNKNOWN if isinstance(received, UnknownType) else RejectionCode.MALFORMED
            self.state.dead_letters += 1
            self.outbox.dead_letter(record, code, str(received))
            return
        try:
            self._check_subject(received)
            self._check_route(record, received)
        except Rejected as error:
            self.state.dead_letters += 1
            self.outbox.dead_letter(record, error.code, error.detail)
            self.outbox.answer(received, record.position, error, asked=False)
            return
        self._command(received, record.position)

    def _check_subject(self, received: Received[Command]) -> None:
        if not self.state.kind.accepts(received.subject, received.command):
            detail = f"expected a command for {received.subject!r:.300}, but {received.type!r} is for others"
            raise Rejected(RejectionCode.COMMAND_UNKNOWN, detail)

    def _check_route(self, record: Record, received: Received[Command]) -> None:
        key = self.state.kind.root(received.subject).encode()
        if record.key != key:
            detail = f"expected key {key.decode()!r}, but got {record.key[:100]!r}"
            raise Rejected(RejectionCode.MISROUTED, detail)
        if partition_of(key, self.partitions) != self.partition:
            raise Rejected(
                RejectionCode.MISROUTED,
                f"expected partition {partition_of(key, self.partitions)} (murmur2) for key {key.decode()!r}, "
                f"but got it on {self.partition}",
            )

    def _command(self, received: Received[Command], position: int) -> None:
        sender = self.state.kind.sender(received.subject, received.command)
        if sender == "caller" and (earlier := self._earlier(received)) is not None:
            self.outbox.repeat(received, earlier)
            return
        written = self.outbox.events_written
        rejected: Rejected | None = None
        try:
            if isinstance(received.command, StartExecution):
                self._check_start(received.subject)
            asked = received if sender != "worker" else None
            self._turn(received.subject, self._entity(received), received.command, received, asked)
            if asked is not None:
                self._owe(received, self.state.kind.accepted(received.subject, received.command), "accepted")
        except Rejected as error:
            rejected = error
            self._refused(received, error)
        if isinstance(received.command, HeartbeatTask) and rejected is None:
            self.state.beat(received.subject, received.command.visit, self.now)
        if sender == "caller" and self.outbox.events_written == written:
            self._settle(received, rejected.code if rejected else "")
        self.outbox.answer(received, position, rejected, asked=sender == "worker")

    def _refused(self, received: Received[Command], error: Rejected) -> None:
        self.state.refused += 1
        self._owe(received, self.state.kind.refused(received.subject, received.command, error.code), "refused")

    def _owe(self, received: Received[Command], owed: Sequence[Effect], why: str) -> None:
        """What it obliges to how ``received`` was decided, beside the events."""
        if owed:
            story = self.outbox.story(received.subject, self.state.entities.get(received.subject), received)
            self.outbox.effects(received.subject, owed, f"{received.id}/{why}", story)

    def _earlier(self, received: Received[Command]) -> Outcome | None:
        """How the same command was decided before; a start is the same if it says the same of the same execution."""
        command = received.command
        if isinstance(command, StartExecution):
            said = content_key(received.subject, command.definition, command.input, command.business_key)
            if (earlier := self.state.seen.get(said)) is not None:
                return earlier
        return self.state.seen.get(command_key(received.subject, received.id))

    def _settle(self, received: Received[Command], code: str) -> None:
        key = command_key(received.subject, received.id)
        self.state.remember(key, code, self.state.input_position, self.now)
        self.settled.append(Settled(subject=received.subject, command=received.id, code=code))

    def _entity(self, received: Received[Command]) -> Entity | None:
        entity = self.state.entities.get(received.subject)
        if entity is None and self.state.seen.get(start_key(received.subject)) is not None:
            raise Rejected(
                RejectionCode.EXECUTION_ENDED,
                f"expected an open execution for {type(received.command).__name__}, but {received.subject} has ended",
            )
        return entity

    def _turn(
        self,
        subject: str,
        entity: Entity | None,
        command: Command,
        cause: Received[Command] | None,
        asked: Received[Command] | None = None,
    ) -> None:
        """Decide ``command``; ``asked`` is its cause, where that may be repeated and has to be recognised then."""
        before = entity.state if entity else None
        events, after = self.state.kind.turn(subject, before, command, self.now)
        try:
            ended = self.outbox.events(subject, entity, events, cause, self.state.kind.react)
        except TooLarge as error:
            substitute = _instead(subject, command, error)
            if substitute is None:
                raise Rejected(RejectionCode.PAYLOAD_TOO_LARGE, str(error)) from error
            self._turn(subject, entity, substitute, cause, asked)
            return
        if not events:
            if entity is not None:
                self.state.schedule(entity)
            return
        self.state.events += len(events)
        if asked is not None:
            for event in events:
                self.state.remember_cause(subject, asked.id, event, self.state.input_position, self.now)
        begun = Story.of(entity) if entity else ended.story.of_its_own(subject)
        self.state.store(Entity(subject, ended.sequence, ended.hash, after, *begun))

    def _fire(self, subject: str) -> None:
        entity = self.state.entities.get(subject)
        if entity is not None:
            self._turn(subject, entity, FireTimers(beats=self.state.beats.get(subject, {})), None)

    def _check_start(self, subject: str) -> None:
        """A child is started by its parent, exactly once and whenever it comes to that: only its root's id is old."""
        if self.state.seen.get(start_key(subject)) is not None:
            raise Rejected(
                RejectionCode.EXECUTION_EXISTS, f"expected a new id, but {subject} was started with something else"
            )
        root, _, path = subject.partition(":")
        made = _made_at(root) if root == subject or _PATH.fullmatch(path) else None
        if made is None or made > self.now + AHEAD:
            raise Rejected(
                RejectionCode.ID_INVALID, f"expected a UUIDv7 made about now as the id, but got {subject[:60]!r}"
            )
        if root == subject and made.timestamp() < self.state.seen.reaches_back_to(self.now.timestamp()):
            raise Rejected(
                RejectionCode.START_TOO_OLD,
                f"expected an id made within the last {WINDOW_HOURS} hours, but {subject} was made at "
                f"{made.isoformat()}: it may have run already",
            )


def _instead(subject: str, command: Command, error: TooLarge) -> FailTask | ParkExecution | None:
    """Where nobody asked, what is too large becomes the failure of the step that it came from, or of the execution."""
    failure = Failure(code=ErrorCode.PAYLOAD_TOO_LARGE, message=str(error), retryable=False)
    match command:
        case CompleteTask(visit=visit, attempt=attempt, token=token, worker=worker):
            return FailTask(visit=visit, attempt=attempt, token=token, worker=worker, failure=failure)
        case FailTask(visit=visit, attempt=attempt, token=token, worker=worker) if command.failure != failure:
            return FailTask(visit=visit, attempt=attempt, token=token, worker=worker, failure=failure)
        case FireTimers() | DeliverMessage() | DeliverSignal() | CompleteChild() | GrantLock() if (
            kind_of(subject) == "execution"
        ):
            return ParkExecution(failure=failure)
        case _:
            return None


def _batched(settled: Sequence[Settled], size: int) -> list[tuple[Settled, ...]]:
    return [tuple(settled[i : i + size]) for i in range(0, len(settled), size)]


def _made_at(subject: str) -> datetime | None:
    """The moment that a UUIDv7 holds; None for any other text."""
    try:
        value = UUID(subject)
    except ValueError:
        return None
    if value.version != 7 or str(value) != subject:
        return None
    try:
        return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def timestamp(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
