"""The read model ``tasks``: one row per attempt of a task step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.domain.execution import events as e
from penstock.domain.execution.effects import task_id
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, as_time, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Index, Table

TABLE: Final = Table(
    name="tasks",
    columns=(
        Column("execution_id", "text"),
        Column("visit", "bigint"),
        Column("attempt", "integer"),
        Column("id", "text", required=True),
        Column("step", "text", required=True),
        Column("task", "text", required=True),
        Column("queue", "text", required=True),
        Column("status", "text", required=True),
        Column("worker", "text"),
        Column("input", "jsonb"),
        Column("output", "jsonb"),
        Column("failure", "jsonb"),
        Column("scheduled_at", "timestamptz", required=True),
        Column("claimed_at", "timestamptz"),
        Column("expires_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        Column("retry_at", "timestamptz"),
        Column("undoes", "bigint"),
        Column("added_by", "text"),
        Column("sequence", "bigint", required=True),
    ),
    key=("execution_id", "visit", "attempt"),
    indexes=(
        Index("scheduled_at desc, id desc"),
        Index("task, scheduled_at desc, id desc"),
        Index("queue, scheduled_at desc, id desc", where="status in ('scheduled', 'claimed')"),
        Index("status, scheduled_at desc, id desc", where="status <> 'completed'"),
    ),
    fill=80,
    born_once=True,
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of an attempt."""
    match recorded.event:
        case e.TaskScheduled() as event:
            return (_scheduled(recorded, event),)
        case e.TaskClaimed() as event:
            claimed = {"claimed_at": recorded.time, "expires_at": event.expires_at}
            return _patch(recorded, event.visit, event.attempt, "claimed", {"worker": event.worker, **claimed})
        case e.TaskCompleted() as event:
            # by hand: no attempt was made where the step could not even be entered, and then there is no row
            ended: Fields = {"output": event.output, "ended_at": recorded.time, **_by(event.worker or event.by or "")}
            return _patch(recorded, event.visit, event.attempt, "completed", {**ended, "retry_at": None})
        case e.TaskFailed() as event:
            ended = {"failure": event.failure, "retry_at": event.retry_at, "ended_at": recorded.time}
            return _patch(recorded, event.visit, event.attempt, "failed", {**ended, **_by(event.worker)})
        case e.StepCancelled(attempt=attempt) as event if attempt:
            return _patch(recorded, event.visit, attempt, "cancelled", {"ended_at": recorded.time})
        case e.StepFailed(attempt=attempt) as event if attempt:  # by hand, or in time: no worker said so
            ended = {"failure": event.failure, "ended_at": recorded.time}
            return _patch(recorded, event.visit, attempt, "cancelled", ended)
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)


def _scheduled(recorded: Recorded[Event], event: e.TaskScheduled) -> Insert:
    row: Fields = {
        "execution_id": recorded.subject,
        "visit": event.visit,
        "attempt": event.attempt,
        "id": task_id(recorded.subject, event.step, event.visit, event.attempt),
        "step": event.step,
        "task": event.task,
        "queue": event.queue,
        "status": "scheduled",
        "input": event.input,
        "undoes": event.undoes,
        "added_by": event.adhoc,
        "scheduled_at": recorded.time,
        "sequence": recorded.sequence,
    }
    return Insert((recorded.subject, event.visit, event.attempt), row)


def _by(worker: str) -> Fields:
    """Who ended it; what a claim said stays where the event says nothing."""
    return {"worker": worker} if worker else {}


def _patch(recorded: Recorded[Event], visit: int, attempt: int, status: str, fields: Fields) -> Sequence[Patch]:
    fields["status"] = status
    fields["sequence"] = recorded.sequence
    return (Patch((recorded.subject, visit, attempt), fields),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What all tasks of an answer have in common; None asks for nothing."""

    status: Sequence[str] | None = None
    queue: str | None = None
    task: str | None = None
    execution_id: str | None = None


NO_FILTER: Final = TaskFilter()
_OPEN: Final = frozenset({"scheduled", "claimed"})
_IN_LISTS: Final = ", ".join(column.name for column in TABLE.columns if column.name not in ("input", "output"))
_WHOLE: Final = ", ".join(column.name for column in TABLE.columns)


async def get(pool: Pool, wanted: str) -> Mapping[str, Any] | None:
    """The whole row of the attempt ``execution/step/visit/attempt``."""
    execution_id, *rest = wanted.rsplit("/", 3)
    numbers = rest[1:]
    if len(rest) != 3 or not all(number.isascii() and number.isdecimal() and len(number) < 10 for number in numbers):
        return None
    where = "execution_id = $1 and visit = $2 and attempt = $3 and id = $4"
    row = await pool.fetchrow(f"select {_WHOLE} from tasks where {where}", execution_id, *map(int, numbers), wanted)
    return dict(row) if row else None


async def of_execution(pool: Pool, execution_id: str, limit: int = 1000) -> Sequence[Mapping[str, Any]]:
    """The tasks of one execution with input and output, in the order in which they were scheduled."""
    sql = f"select {_WHOLE} from tasks where execution_id = $1 order by visit, attempt limit $2"
    return [dict(row) for row in await pool.fetch(sql, execution_id, limit)]


async def find(pool: Pool, wanted: TaskFilter = NO_FILTER, *, limit: int = 50, cursor: str | None = None) -> Page:
    """
    Tasks without input and output, the latest first. New ones never shift a page that follows a cursor.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    where = Where()
    if wanted.status is not None:
        where.add("status = any({}::text[])", list(wanted.status))
        _let_partial_indexes_serve(where, wanted.status)
    where.given("queue = {}", wanted.queue)
    where.given("task = {}", wanted.task)
    where.given("execution_id = {}", wanted.execution_id)
    if cursor is not None:
        where.add("(scheduled_at, id) < ({}, {})", *from_cursor(cursor, "tasks", as_time, as_text))
    limit = clamped(limit)
    sql = f"select {_IN_LISTS} from tasks {where} order by scheduled_at desc, id desc limit {limit + 1}"
    rows = await pool.fetch(sql, *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor("tasks", row["scheduled_at"], row["id"]))


def _let_partial_indexes_serve(where: Where, status: Sequence[str]) -> None:
    if "completed" not in status:
        where.add("status <> 'completed'")
    if _OPEN.issuperset(status):
        where.add("status in ('scheduled', 'claimed')")
