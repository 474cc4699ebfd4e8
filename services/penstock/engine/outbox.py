"""What one transaction will write, sized as it grows: events with their hash chain, tasks, answers, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias, assert_never

from penstock.domain.execution.effects import DispatchTask, Effect, SendCommand, WithdrawTask
from penstock.domain.partition import OwnershipTaken, PartitionEvent, PositionAdvanced
from penstock.domain.rejected import Rejected
from penstock.domain.subjects import kind_of, root_of
from penstock.engine.entities import Entity
from penstock.engine.partition_state import Story
from penstock.engine.seen import Outcome
from penstock.log.admission import record_size
from penstock.log.port import Batch, Headers, Message, Record
from penstock.log.topics import COMMANDS, TASKS_CONTROL, dead_letters, partition_of, tasks_topic
from penstock.messages.envelope import CONTENT_TYPE, Received, Recorded, encode_command, encode_event, event_hash
from penstock.messages.records import Answer, TaskWithdrawn, encode_record, task_of
from penstock.messages.registry import NAMES, Command, Event
from penstock.messages.wellformed import Malformed

HEADERS: Final = (CONTENT_TYPE,)
_SIZES: Final[dict[Headers, int]] = {headers: record_size(Message(b"", b"", headers)) for headers in ((), HEADERS)}
"""Bytes of the headers that our own records have."""
FULL_EVENTS: Final = 4000
FULL_BYTES: Final = 4 << 20
MAX_DETAIL: Final = 10_000
"""Characters of what an answer says about a refusal."""
MAX_HEADERS: Final = 8_000
OVERHEAD: Final = 400
"""Bytes that are left free in every record."""
RETURN_FARE: Final = 2_000
"""More bytes that are left free in a command: what its refusal sends back has to fit too."""


class TooLarge(Exception):
    """A record of a turn would be larger than the log takes, or deeper."""


class _Letter(NamedTuple):
    topic: str
    partition: int
    message: Message


React: TypeAlias = Callable[[str, Event], Sequence[Effect]]


class Topics(NamedTuple):
    """Where an input topic's commands come from and where their events and answers go."""

    commands: str
    events: str
    answers: str


class Tail(NamedTuple):
    """Where an entity's history stands after the events just written."""

    sequence: int
    hash: str
    story: Story


class Outbox:
    """
    Messages by topic and partition, in the order in which they were caused. ``reach`` is the number of partitions on
    which the entities live that commands are sent to.
    """

    def __init__(
        self, topics: Topics, partition: int, now: datetime, input_position: int, limit: int, *, reach: int = 1
    ) -> None:
        self.topics, self.partition, self.now, self.input_position = topics, partition, now, input_position
        self._limit, self._reach = limit - OVERHEAD, reach
        self._messages: dict[tuple[str, int], list[Message]] = {}
        self.events_written = 0
        self.last_event_position = input_position
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether the transaction is large enough: what is left goes into the next one."""
        return self.events_written >= FULL_EVENTS or self._bytes >= FULL_BYTES

    @property
    def event_records(self) -> int:
        """How many records go to the events topic, those about the partition included."""
        return len(self._messages.get((self.topics.events, self.partition), ()))

    def batches(self) -> list[Batch]:
        return [Batch(topic, partition, messages) for (topic, partition), messages in self._messages.items()]

    def events(
        self,
        subject: str,
        entity: Entity | None,
        events: Sequence[Event],
        cause: Received[Command] | None,
        react: React = lambda subject, event: (),
    ) -> Tail:
        """
        Add the events of one turn and what they oblige to; all of it or, where something does not fit, nothing.

        Raises:
            TooLarge: an event, a task offer or a command that it causes is over the limit.

        """
        sequence, previous = (entity.sequence, entity.hash) if entity else (0, "")
        root = root_of(subject).encode()
        story = self.story(subject, entity, cause)
        causation, correlation = cause.id if cause else "clock", story.correlation_id or subject
        letters = []
        for event in events:
            sequence += 1
            id_, type_ = f"{subject}/{sequence}", NAMES[type(event)]
            value = encode_event(
                Recorded(
                    event=event,
                    id=id_,
                    type=type_,
                    subject=subject,
                    time=self.now,
                    sequence=sequence,
                    input_position=self.input_position,
                    causation_id=causation,
                    correlation_id=correlation,
                    traceparent=story.traceparent,
                    previous_hash=previous,
                )
            )
            previous = event_hash(value)
            letter = _Letter(self.topics.events, self.partition, Message(root, value, HEADERS))
            letters.append(self._fitting(letter, type_))
            if effects := react(subject, event):
                letters += self._letters(subject, effects, id_, story)
        for letter in letters:
            self._add(*letter)
        self._count(len(events))
        return Tail(sequence, previous, story)

    def _count(self, written: int) -> None:
        if written:
            self.events_written += written
            self.last_event_position = self.input_position

    def story(self, subject: str, entity: Entity | None, cause: Received[Command] | None) -> Story:
        """What the cause says of itself, else what the entity began with."""
        begun = Story.of(entity) if entity else Story("", "")
        if cause is None:
            return begun
        said = "" if cause.correlation_id == subject else cause.correlation_id
        return Story(said or begun.correlation_id, cause.traceparent or begun.traceparent)

    def partition_event(self, event: PartitionEvent) -> None:
        message = partition_event(event, self.partition, self.input_position, self.now)
        self._add(self.topics.events, self.partition, message)

    def effects(self, subject: str, effects: Sequence[Effect], cause: str, story: Story) -> None:
        """
        Add what ``subject`` owes because of ``cause``, from whose id those of commands are made.

        Raises:
            TooLarge: it does not fit; nothing is added.

        """
        for letter in self._letters(subject, effects, cause, story):
            self._add(*letter)

    def _letters(self, subject: str, effects: Sequence[Effect], cause: str, story: Story) -> list[_Letter]:
        return [self._letter(subject, effect, f"{cause}/{n}", story) for n, effect in enumerate(effects, 1)]

    def _letter(self, subject: str, effect: Effect, id_: str, story: Story) -> _Letter:
        match effect:
            case DispatchTask():
                offered = task_of(effect, self.now, story.correlation_id, story.traceparent)
                message = Message(root_of(effect.execution_id).encode(), encode_record(offered))
                return self._fitting(_Letter(tasks_topic(effect.queue), self.partition, message), "the task offer")
            case WithdrawTask(task_id=task, execution_id=execution, reason=reason):
                value = encode_record(TaskWithdrawn(task_id=task, execution_id=execution, reason=reason))
                return _Letter(TASKS_CONTROL, 0, Message(root_of(execution).encode(), value))
            case SendCommand():
                return self._command(subject, effect, id_, story)
            case _:
                assert_never(effect)

    def _command(self, subject: str, effect: SendCommand, id_: str, story: Story) -> _Letter:
        """A command to another entity. What an execution causes belongs to its story, wherever it happens."""
        own = subject if kind_of(subject) == "execution" else ""
        command: Command = effect.command  # type: ignore[assignment] # whatever the registry has a name for
        type_ = NAMES[type(command)]
        try:
            value = encode_command(
                Received(
                    command=command,
                    id=id_,
                    type=type_,
                    subject=effect.subject,
                    correlation_id=story.correlation_id or own,
                    traceparent=story.traceparent,
                )
            )
        except Malformed as error:
            raise TooLarge(f"{type_}: {error}") from error
        key = root_of(effect.subject).encode()
        letter = _Letter(COMMANDS, partition_of(key, self._reach), Message(key, value, HEADERS))
        return self._fitting(letter, type_, RETURN_FARE)

    def _fitting(self, letter: _Letter, name: str, spare: int = 0) -> _Letter:
        key, value, headers = letter.message
        size, limit = len(key) + len(value or b"") + _SIZES[headers], self._limit - spare
        if size > limit:
            raise TooLarge(f"expected at most {limit} bytes, but {name} has {size}")
        return letter

    def answer(self, received: Received[Command], position: int, rejected: Rejected | None, *, asked: bool) -> None:
        """Tell the sender, where it ``asked``, or where it has to know that its result was refused."""
        if not (received.reply_to or (rejected is not None and asked)):
            return
        self._answer(
            Answer(
                command_id=received.id,
                subject=received.subject,
                outcome="rejected" if rejected else "accepted",
                to=received.reply_to,
                code=rejected.code if rejected else "",
                detail=rejected.detail[:MAX_DETAIL] if rejected else "",
                input_position=position,
            )
        )

    def repeat(self, received: Received[Command], earlier: Outcome) -> None:
        """The answer that the same command got the first time."""
        if received.reply_to:
            self._answer(
                Answer(
                    command_id=received.id,
                    subject=received.subject,
                    outcome="rejected" if earlier.code else "accepted",
                    to=received.reply_to,
                    code=earlier.code,
                    detail="this command was decided before" if earlier.code else "",
                    input_position=earlier.position,
                )
            )

    def dead_letter(self, record: Record, code: str, detail: str) -> None:
        """Put aside what cannot be decided, with where it came from and why."""
        headers = (
            *_short(record.headers),
            ("origin", f"{record.topic}/{record.partition}/{record.position}".encode()),
            ("cause", f"{code}: {detail}"[:1000].encode()),
            ("attempt", b"1"),
        )
        key = record.key[:1000]
        room = self._limit - len(key) - sum(len(name.encode()) + len(value) for name, value in headers)
        value = (record.value or b"")[: max(0, room)]
        self._add(dead_letters(self.topics.commands), self.partition, Message(key, value, headers))

    def _answer(self, answer: Answer) -> None:
        message = Message(root_of(answer.subject).encode(), encode_record(answer))
        self._add(self.topics.answers, self.partition, message)

    def _add(self, topic: str, partition: int, message: Message) -> None:
        place = (topic, partition)
        messages = self._messages.get(place)
        if messages is None:
            messages = self._messages[place] = []
        messages.append(message)
        self._bytes += len(message.value or b"")


def _short(headers: Headers) -> Headers:
    """As many of a stranger's headers as fit beside the record."""
    kept, room = [], MAX_HEADERS
    for name, value in headers:
        room -= len(name.encode()) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return tuple(kept)


def partition_event(event: OwnershipTaken | PositionAdvanced, partition: int, position: int, now: datetime) -> Message:
    """A record about the partition itself. It belongs to no entity's chain, so its sequence is 0."""
    subject = f"partition/{partition}"
    name = NAMES[type(event)]
    told_apart = f"{event.epoch}.{event.turn}" if isinstance(event, OwnershipTaken) else str(position)
    value = encode_event(
        Recorded(
            event=event,
            id=f"{subject}/{name}/{told_apart}",
            type=name,
            subject=subject,
            time=now,
            sequence=0,
            input_position=position,
            causation_id="",
            correlation_id="",
            traceparent="",
            previous_hash="",
        )
    )
    return Message(subject.encode(), value, HEADERS)
