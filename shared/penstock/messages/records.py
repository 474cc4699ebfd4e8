"""The records that are neither events nor commands: task offers, answers to callers, cancellations for workers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from penstock.domain.execution.effects import DispatchTask
from penstock.messages.wellformed import Malformed


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    All that a worker needs. ``id`` is ``execution/step/visit/attempt`` and serves as the idempotency key.

    ``timeout`` (None: none but the heartbeats) and ``heartbeat`` are seconds; ``claim`` asks for a claim before work
    begins; past ``start_by`` the record is to be dropped.
    """

    id: str
    execution_id: str
    step: str
    visit: int
    attempt: int
    task: str
    queue: str
    input: Any = None
    timeout: float | None = 10.0
    heartbeat: float | None = None
    claim: bool = False
    start_by: datetime | None = None
    scheduled_at: datetime | None = None
    correlation_id: str = ""
    traceparent: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a command: ``code`` and ``detail`` stand on a rejection. ``to`` is the command's ``reply_to``."""

    command_id: str
    subject: str
    outcome: Literal["accepted", "rejected"]
    to: str = ""
    code: str = ""
    detail: str = ""
    input_position: int
    data: dict[str, Any] | None = None


class TaskWithdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt is no longer wanted; broadcast to the workers on ``tasks.control``."""

    task_id: str
    execution_id: str
    reason: str = ""


class Token(NamedTuple):
    """Where a command stands: a query that waits for it sees the command's effect (decisions 20)."""

    topic: Literal["events", "catalog"]
    partition: int
    input_position: int

    def __str__(self) -> str:
        return f"{self.topic[0]}{self.partition}.{self.input_position}"

    @classmethod
    def parse(cls, text: str) -> Token:
        """
        The token that ``str`` gave.

        Raises:
            Malformed: it is not one of ours.

        """
        topic = _TOPICS.get(text[:1])
        partition, dot, position = text[1:].partition(".")
        if topic is None or not dot or not partition.isdecimal() or not position.isdecimal():
            raise Malformed(f"expected a consistency token such as 'e0.1234', but got {text[:40]!r}")
        return cls(topic, int(partition), int(position))


_TOPICS: Final[dict[str, Literal["events", "catalog"]]] = {"e": "events", "c": "catalog"}

_encode = msgspec.json.Encoder().encode
_decode_task = msgspec.json.Decoder(Task).decode
_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_withdrawn = msgspec.json.Decoder(TaskWithdrawn).decode


def task_of(effect: DispatchTask, scheduled_at: datetime, correlation_id: str = "", traceparent: str = "") -> Task:
    """The offer that ``effect`` asks for; without a correlation of its own it has the execution's id."""
    return Task(
        id=effect.task_id,
        execution_id=effect.execution_id,
        step=effect.step,
        visit=effect.visit,
        attempt=effect.attempt,
        task=effect.task,
        queue=effect.queue,
        input=effect.input,
        timeout=effect.timeout,
        heartbeat=effect.heartbeat,
        claim=effect.claim,
        start_by=effect.start_by,
        scheduled_at=scheduled_at,
        correlation_id=correlation_id or effect.execution_id,
        traceparent=traceparent,
    )


def encode_record(record: Task | Answer | TaskWithdrawn) -> bytes:
    return _encode(record)


def decode_task(value: bytes) -> Task:
    """
    Raises:
        Malformed: it is not a task record.

    """
    try:
        return _decode_task(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"expected a task record, but {error}") from error


def decode_answer(value: bytes) -> Answer:
    """
    Raises:
        Malformed: it is not an answer.

    """
    try:
        return _decode_answer(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"expected an answer, but {error}") from error


def decode_withdrawn(value: bytes) -> TaskWithdrawn:
    """
    Raises:
        Malformed: it is not a withdrawal.

    """
    try:
        return _decode_withdrawn(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"expected a withdrawal, but {error}") from error
