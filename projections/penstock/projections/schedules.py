"""The read model ``schedules``: what each one starts, when it is due next, and what it started last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.domain.schedule import events as e
from penstock.domain.schedule.plan import Plan
from penstock.domain.starts import StartRefused
from penstock.domain.subjects import kind_of, schedule_of
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Index, Table

TABLE: Final = Table(
    name="schedules",
    columns=(
        Column("id", "text"),
        Column("status", "text", required=True),
        Column("definition", "text", required=True),
        Column("version", "text"),
        Column("cron", "text"),
        Column("every", "double precision"),
        Column("timezone", "text", required=True),
        Column("catch_up", "text", required=True),
        Column("input", "jsonb"),
        Column("business_key", "text"),
        Column("next_due_at", "timestamptz"),
        Column("last_due_at", "timestamptz"),
        Column("last_execution", "text"),
        Column("last_problem", "text"),
        Column("fired", "bigint", required=True),
        Column("created_at", "timestamptz", required=True),
        Column("updated_at", "timestamptz", required=True),
        Column("updated_by", "text"),
        Column("sequence", "bigint", required=True),
    ),
    key=("id",),
    indexes=(Index("definition"),),
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of a schedule. One that was deleted keeps its row."""
    match recorded.event:
        case e.ScheduleCreated() as event:
            return (_created(recorded, event),)
        case e.ScheduleChanged(plan=plan, next_due_at=due, by=by):
            return _patch(recorded, {**_of(plan), "next_due_at": due, "updated_by": by})
        case e.ScheduleFired() as event:
            return _patch(recorded, _fired(event))
        case e.TicksMissed(missed=missed, next_due_at=due):
            return _patch(recorded, {"next_due_at": due, "last_problem": f"{missed} missed"})
        case e.TickFailed(due_at=last, next_due_at=due, code=code, message=message):
            return _patch(recorded, {"next_due_at": due, "last_due_at": last, "last_problem": f"{code}: {message}"})
        case e.SchedulePaused(by=by):
            return _patch(recorded, {"status": "paused", "updated_by": by})
        case e.ScheduleResumed(next_due_at=due, missed=missed, by=by):
            problem = {"last_problem": f"{missed} missed"} if missed else {}
            return _patch(recorded, {"status": "active", "next_due_at": due, "updated_by": by, **problem})
        case e.ScheduleDeleted(by=by):
            return _patch(recorded, {"status": "deleted", "next_due_at": None, "updated_by": by})
        case StartRefused(execution=execution, code=code) if kind_of(recorded.subject) == "schedule":
            return _patch(recorded, {"last_problem": f"{code}: {execution} was not started"})
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)
_PREFIX: Final = schedule_of("")


def _created(recorded: Recorded[Event], event: e.ScheduleCreated) -> Insert:
    row: Fields = {
        "id": recorded.subject.removeprefix(_PREFIX),
        "status": "paused" if event.paused else "active",
        **_of(event.plan),
        "next_due_at": event.next_due_at,
        "fired": 0,
        "created_at": recorded.time,
        "updated_at": recorded.time,
        "updated_by": event.by,
        "sequence": recorded.sequence,
    }
    return Insert((row["id"],), row)


def _of(plan: Plan) -> Fields:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


def _fired(event: e.ScheduleFired) -> Fields:
    return {
        "last_due_at": event.due_at,
        "next_due_at": event.next_due_at,
        "last_execution": event.execution,
        "last_problem": f"{event.missed} missed" if event.missed else None,
        "fired": event.number,
    }


def _patch(recorded: Recorded[Event], fields: Fields) -> Sequence[Patch]:
    more = {"updated_at": recorded.time, "sequence": recorded.sequence}
    return (Patch((recorded.subject.removeprefix(_PREFIX),), {**fields, **more}),)


_COLUMNS: Final = ", ".join(column.name for column in TABLE.columns)


async def get(pool: Pool, schedule: str) -> Mapping[str, Any] | None:
    """One that is not deleted."""
    row = await pool.fetchrow(f"select {_COLUMNS} from schedules where id = $1 and status <> 'deleted'", schedule)
    return dict(row) if row else None


async def find(
    pool: Pool, *, definition: str | None = None, status: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page:
    """
    Schedules by id; deleted ones only where that is the ``status`` asked for.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    where = Where()
    where.given("definition = {}", definition)
    where.given("status = {}", status)
    if status is None:
        where.add("status <> 'deleted'")
    if cursor is not None:
        where.add("id > {}", *from_cursor(cursor, "schedules", as_text))
    limit = clamped(limit)
    rows = await pool.fetch(f"select {_COLUMNS} from schedules {where} order by id limit {limit + 1}", *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor("schedules", row["id"]))
