"""The read model ``executions``: one row per execution, as it stands now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args

from penstock.domain.execution import events as e
from penstock.domain.subjects import root_of
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, as_time, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Index, Table

Order: TypeAlias = Literal["started", "updated"]

TABLE: Final = Table(
    name="executions",
    columns=(
        Column("id", "text"),
        Column("root_id", "text", required=True),
        Column("definition", "text", required=True),
        Column("version", "text", required=True),
        Column("digest", "text", required=True),
        Column("status", "text", required=True),
        Column("business_key", "text"),
        Column("tags", "jsonb", required=True),
        Column("priority", "text", required=True),
        Column("initiated_by", "text", required=True),
        Column("last_step", "text"),
        Column("input", "jsonb"),
        Column("output", "jsonb"),
        Column("failure", "jsonb"),
        Column("reason", "text"),
        Column("started_at", "timestamptz", required=True),
        Column("updated_at", "timestamptz", required=True),
        Column("ended_at", "timestamptz"),
        Column("deadline", "timestamptz"),
        Column("sequence", "bigint", required=True),
        Column("partition", "integer", required=True),
        Column("correlation_id", "text"),
    ),
    key=("id",),
    indexes=(
        Index("started_at desc, id desc"),
        Index("updated_at desc, id desc"),
        Index("status, started_at desc, id desc"),
        Index("definition, started_at desc, id desc"),
        Index("definition, status, started_at desc, id desc", where="status <> 'completed'"),
        Index("business_key", where="business_key is not null", method="hash"),
        Index("initiated_by, started_at desc, id desc", where="initiated_by <> 'system'"),
        Index("tags jsonb_path_ops", where="tags <> '[]'", method="gin"),
    ),
    fill=80,
    born_once=True,
)

_OF_EXECUTIONS: Final = frozenset(get_args(e.ExecutionEvent))
_ENTERING: Final = frozenset(
    {
        e.ListeningStarted,
        e.LockRequested,
        e.BlockStarted,
        e.EachStarted,
        e.ChildStarted,
        e.ChildDetached,
        e.MessageSent,
        e.SignalSent,
        e.EscalationRaised,
        e.CompensationStarted,
    }
)
"""Beside those that stand in the match: after them the execution is in another step."""


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of its execution."""
    match recorded.event:  # what happens often stands first: each case costs a look at the type
        case e.TaskScheduled(step=step):
            return _patch(recorded, {"last_step": step})
        case e.TaskCompleted() | e.TaskClaimed() | e.TaskFailed() | e.TimerFired() | e.StepCancelled() | e.BiteTaken():
            return _patch(recorded, {})
        case e.ExecutionStarted() as event:
            return (_started(recorded, event, at),)
        case e.ExecutionCompleted(output=output):
            return _ended(recorded, "completed", {"output": output})
        case e.TimerStarted(step=step) | e.StepPassed(step=step) | e.StepFailed(step=step):
            return _patch(recorded, {"last_step": step})
        case event if type(event) in _OF_EXECUTIONS:
            return _seldom(recorded)
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)


def _seldom(recorded: Recorded[Event]) -> Sequence[Change]:
    match recorded.event:
        case e.ExecutionCancelled(reason=reason):
            return _ended(recorded, "cancelled", {"reason": reason or None})
        case e.ExecutionTerminated(reason=reason):
            return _ended(recorded, "terminated", {"reason": reason or None})
        case e.ExecutionFailed(failure=failure):
            return _patch(recorded, {"failure": failure})
        case e.ExecutionRetried(deadline=deadline):
            return _patch(recorded, {"failure": None, "deadline": deadline})
        case e.ExecutionPaused(reason=reason):
            return _patch(recorded, {"reason": reason or None})
        case e.ExecutionResumed():
            return _patch(recorded, {"reason": None})
        case e.StepRerun(deadline=deadline):
            return _patch(recorded, {"failure": None, "deadline": deadline})
        case e.ExecutionMigrated(version=version, digest=digest):
            return _patch(recorded, {"version": version, "digest": digest})
        case event if type(event) in _ENTERING:
            step = getattr(event, "step", "")
            return _patch(recorded, {"last_step": step} if step else {})
        case _:
            return _patch(recorded, {})  # any of them may carry a status


def _started(recorded: Recorded[Event], event: e.ExecutionStarted, at: Place) -> Insert:
    row: Fields = {
        "id": recorded.subject,
        "root_id": root_of(recorded.subject),
        "definition": event.definition,
        "version": event.version,
        "digest": event.digest,
        "status": event.status or "running",
        "business_key": event.business_key,
        "tags": event.tags,
        "priority": event.priority,
        "initiated_by": event.initiated_by,
        "input": event.input,
        "started_at": recorded.time,
        "updated_at": recorded.time,
        "deadline": event.deadline,
        "sequence": recorded.sequence,
        "partition": at.partition,
        "correlation_id": recorded.correlation_id or None,
    }
    return Insert((recorded.subject,), row)


def _ended(recorded: Recorded[Event], status: e.Status, fields: Fields) -> Sequence[Patch]:
    return _patch(recorded, {"status": status, **fields, "ended_at": recorded.time, "deadline": None})


def _patch(recorded: Recorded[Event], fields: Fields) -> Sequence[Patch]:
    status = getattr(recorded.event, "status", None)
    if status is not None:
        fields["status"] = status
    fields["updated_at"] = recorded.time
    fields["sequence"] = recorded.sequence
    return (Patch((recorded.subject,), fields),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """What all executions of an answer have in common; None asks for nothing."""

    status: Sequence[str] | None = None
    definition: str | None = None
    version: str | None = None
    business_key: str | None = None
    tag: str | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    updated_after: datetime | None = None
    initiated_by: str | None = None
    root_id: str | None = None


NO_FILTER: Final = ExecutionFilter()
_IN_LISTS: Final = ", ".join(column.name for column in TABLE.columns if column.name not in ("input", "output"))
_WHOLE: Final = ", ".join(column.name for column in TABLE.columns)


async def get(pool: Pool, execution_id: str) -> Mapping[str, Any] | None:
    """The whole row of one execution."""
    row = await pool.fetchrow(f"select {_WHOLE} from executions where id = $1", execution_id)
    return dict(row) if row else None


async def find(
    pool: Pool,
    wanted: ExecutionFilter = NO_FILTER,
    *,
    limit: int = 50,
    cursor: str | None = None,
    order: Order = "started",
) -> Page:
    """
    Executions without input and output, the latest first. New ones never shift a page that follows a cursor.

    Raises:
        CursorInvalid: the cursor is not one of this order.

    """
    column = {"started": "started_at", "updated": "updated_at"}[order]
    where = _conditions(wanted)
    if cursor is not None:
        time, id_ = from_cursor(cursor, order, as_time, as_text)
        where.add(f"({column}, id) < ({{}}, {{}})", time, id_)
    limit = clamped(limit)
    sql = f"select {_IN_LISTS} from executions {where} order by {column} desc, id desc limit {limit + 1}"
    rows = await pool.fetch(sql, *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor(order, row[column], row["id"]))


async def ids(pool: Pool, wanted: ExecutionFilter, most: int) -> Sequence[str]:
    """The ids of those that fit, the earliest first, at most so many."""
    where = _conditions(wanted)
    sql = f"select id from executions {where} order by started_at, id limit {int(most)}"
    return [row["id"] for row in await pool.fetch(sql, *where.arguments)]


async def count_by_status(pool: Pool, wanted: ExecutionFilter = NO_FILTER) -> Mapping[str, int]:
    where = _conditions(wanted)
    sql = f"select status, count(*) as number from executions {where} group by status order by status"
    return {row["status"]: row["number"] for row in await pool.fetch(sql, *where.arguments)}


def _conditions(wanted: ExecutionFilter) -> Where:
    where = Where()
    if wanted.status is not None:
        _add_status(where, wanted.status)
    where.given("definition = {}", wanted.definition)
    where.given("version = {}", wanted.version)
    where.given("business_key = {}", wanted.business_key)
    where.given("started_at >= {}", wanted.started_after)
    where.given("started_at < {}", wanted.started_before)
    where.given("updated_at >= {}", wanted.updated_after)
    where.given("initiated_by = {}", wanted.initiated_by)
    where.given("root_id = {}", wanted.root_id)
    if wanted.initiated_by not in (None, "system"):
        where.add("initiated_by <> 'system'")  # lets the partial index serve
    if wanted.tag is not None:
        where.add("tags @> {}::jsonb and tags <> '[]'", [wanted.tag])
    return where


def _add_status(where: Where, status: Sequence[str]) -> None:
    """One status is compared as such, so that an index gives its rows in order; the rest lets a partial one serve."""
    if len(status) == 1:
        where.add("status = {}", status[0])
    else:
        where.add("status = any({}::text[])", list(status))
    if "completed" not in status:
        where.add("status <> 'completed'")
