"""Hand-made histories: events as an engine would have recorded them, and their records in a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.catalog.events import DefinitionPublished
from penstock.domain.definition.model import Graph, RouteStep, Transition
from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.domain.subjects import root_of
from penstock.log.port import Batch, Message
from penstock.messages.envelope import CONTENT_TYPE, Recorded, encode_event
from penstock.messages.registry import NAMES, Event

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def recorded(
    event: Event, sequence: int = 1, subject: str = "x1", *, time: datetime | None = None, input_position: int = 0
) -> Recorded[Event]:
    return Recorded(
        event=event,
        id=f"{subject}/{sequence}",
        type=NAMES[type(event)],
        subject=subject,
        time=time or at(sequence),
        sequence=sequence,
        input_position=input_position,
        causation_id="c1",
        correlation_id="k1",
        traceparent="",
        previous_hash="",
    )


def started(definition: str = "w3", **fields: Any) -> e.ExecutionStarted:
    given: dict[str, Any] = {"version": "1.0.0", "digest": "d", "input": {"amount": 5}, "status": "running", **fields}
    return e.ExecutionStarted(definition=definition, **given)


def scheduled(visit: int, step: str = "charge", attempt: int = 1, **fields: Any) -> e.TaskScheduled:
    return e.TaskScheduled(**{"visit": visit, "step": step, "attempt": attempt, "task": f"do-{step}", **fields})


def done(visit: int, step: str = "charge", attempt: int = 1, output: Any = None) -> e.TaskCompleted:
    return e.TaskCompleted(visit=visit, step=step, attempt=attempt, output=output, worker="w-7")


def broken(visit: int, step: str = "charge", attempt: int = 1, retry_at: datetime | None = None) -> e.TaskFailed:
    failure = Failure(code="CARD", message="no money")
    return e.TaskFailed(visit=visit, step=step, attempt=attempt, failure=failure, retry_at=retry_at, worker="w-7")


def published(definition: str = "w3", version: str = "1.0.0", name: str = "", tags: tuple[str, ...] = ()) -> Event:
    start = (Transition(id="->a", target="a"),)
    graph = Graph(id=definition, version=version, name=name, tags=tags, start=start, steps={"a": RouteStep(id="a")})
    return DefinitionPublished(version=version, source={"id": definition}, graph=graph, digest="d" * 64, by="ann")


def w3(subject: str, *, input_position: int = 0, begin: datetime = BEGIN, **fields: Any) -> Sequence[Recorded[Event]]:
    """Three tasks in sequence: eight events."""
    steps = [(n, step) for n, step in enumerate(("charge", "pack", "ship"), 1)]
    tasks: Iterable[Event] = [
        event for n, step in steps for event in (scheduled(n, step, input={"n": n}), done(n, step, output={"ok": n}))
    ]
    events = [started(**fields), *tasks, e.ExecutionCompleted(output={"total": 3}, status="completed")]
    return [
        recorded(event, n, subject, time=begin + timedelta(milliseconds=n), input_position=input_position)
        for n, event in enumerate(events, 1)
    ]


def message(event: Recorded[Event]) -> Message:
    return Message(root_of(event.subject).encode(), encode_event(event), (CONTENT_TYPE,))


def batch(events: Iterable[Recorded[Event]], partition: int = 0, topic: str = "events") -> Batch:
    return Batch(topic, partition, [message(event) for event in events])
