"""What one transaction will write, sized as it grows: events with their hash chain, tasks, answers, dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, assert_never

from penstock.domain.execution.effects import DispatchTask, Effect, WithdrawTask
from penstock.domain.partition import OwnershipTaken, PartitionEvent, PositionAdvanced
from penstock.domain.rejected import Rejected
from penstock.engine.entities import Entity
from penstock.engine.partition_state import Story
from penstock.engine.seen import Outcome
from penstock.log.port import Batch, Headers, Message, Record
from penstock.log.topics import TASKS_CONTROL, dead_letters, tasks_topic
from penstock.messages.envelope import CONTENT_TYPE, Received, Recorded, encode_event, event_hash
from penstock.messages.records import Answer, TaskWithdrawn, encode_record, task_of
from penstock.messages.registry import NAMES, Command, Event

HEADERS: Final = (CONTENT_TYPE,)
FULL_EVENTS: Final = 4000
FULL_BYTES: Final = 4 << 20
MAX_DETAIL: Final = 10_000
"""Characters of what an answer says about a refusal."""
MAX_HEADERS: Final = 8_000
OVERHEAD: Final = 400
"""Bytes of a record beside its value, at most: key, headers, framing."""


class TooLarge(Exception):
    """A record of a turn would be larger than the log takes."""


class Topics(NamedTuple):
    """Where an input topic's commands come from and where their events and answers go."""

    commands: str
    events: str
    answers: str


class Tail(NamedTuple):
    """Where an entity's history stands after the events just written."""

    sequence: int
    hash: str


class Outbox:
    """Messages by topic and partition, in the order in which they were caused."""

    def __init__(self, topics: Topics, partition: int, now: datetime, input_position: int, limit: int) -> None:
        self.topics, self.partition, self.now, self.input_position = topics, partition, now, input_position
        self._limit = limit - OVERHEAD
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
        self, subject: str, entity: Entity | None, events: Sequence[Event], cause: Received[Command] | None
    ) -> Tail:
        """
        Add the events of one turn; all of them or, where one does not fit, none.

        Raises:
            TooLarge: an event, or the task offer it causes, is over the limit.

        """
        sequence, previous = (entity.sequence, entity.hash) if entity else (0, "")
        root = subject.partition(":")[0].encode()
        story = self.story(subject, entity, cause)
        messages = []
        for event in events:
            sequence += 1
            value = encode_event(
                Recorded(
                    event=event,
                    id=f"{subject}/{sequence}",
                    type=NAMES[type(event)],
                    subject=subject,
                    time=self.now,
                    sequence=sequence,
                    input_position=self.input_position,
                    causation_id=cause.id if cause else "clock",
                    correlation_id=story.correlation_id or subject,
                    traceparent=story.traceparent,
                    previous_hash=previous,
                )
            )
            if len(value) > self._limit:
                raise TooLarge(f"expected at most {self._limit} bytes, but {NAMES[type(event)]} has {len(value)}")
            previous = event_hash(value)
            messages.append(Message(root, value, HEADERS))
        if messages:
            for message in messages:
                self._add(self.topics.events, message)
            self.events_written += len(messages)
            self.last_event_position = self.input_position
        return Tail(sequence, previous)

    def story(self, subject: str, entity: Entity | None, cause: Received[Command] | None) -> Story:
        """What the cause says of itself, else what the entity began with."""
        begun = Story.of(entity) if entity else Story("", "")
        if cause is None:
            return begun
        said = "" if cause.correlation_id == subject else cause.correlation_id
        return Story(said or begun.correlation_id, cause.traceparent or begun.traceparent)

    def partition_event(self, event: PartitionEvent) -> None:
        self._add(self.topics.events, partition_event(event, self.partition, self.input_position, self.now))

    def effect(self, effect: Effect, story: Story) -> None:
        match effect:
            case DispatchTask():
                offered = task_of(effect, self.now, story.correlation_id, story.traceparent)
                message = Message(effect.execution_id.partition(":")[0].encode(), encode_record(offered))
                self._add(tasks_topic(effect.queue), message)
            case WithdrawTask(task_id=task, execution_id=execution, reason=reason):
                value = encode_record(TaskWithdrawn(task_id=task, execution_id=execution, reason=reason))
                self._add(TASKS_CONTROL, Message(execution.partition(":")[0].encode(), value), partition=0)
            case _:
                assert_never(effect)

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
        self._add(dead_letters(self.topics.commands), Message(key, value, headers))

    def _answer(self, answer: Answer) -> None:
        self._add(self.topics.answers, Message(answer.subject.partition(":")[0].encode(), encode_record(answer)))

    def _add(self, topic: str, message: Message, partition: int | None = None) -> None:
        place = (topic, self.partition if partition is None else partition)
        self._messages.setdefault(place, []).append(message)
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
