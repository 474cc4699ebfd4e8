"""The read model ``operations``: the changes of many executions, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.domain.operation import events as e
from penstock.domain.subjects import operation_of
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, as_time, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Index, Table

TABLE: Final = Table(
    name="operations",
    columns=(
        Column("id", "text"),
        Column("action", "text", required=True),
        Column("arguments", "jsonb", required=True),
        Column("expected", "jsonb", required=True),
        Column("status", "text", required=True),
        Column("total", "bigint", required=True),
        Column("sent", "bigint", required=True),
        Column("accepted", "bigint", required=True),
        Column("refused", "bigint", required=True),
        Column("skipped", "bigint", required=True),
        Column("reason", "text"),
        Column("started_by", "text", required=True),
        Column("started_at", "timestamptz", required=True),
        Column("updated_at", "timestamptz", required=True),
        Column("ended_at", "timestamptz"),
        Column("sequence", "bigint", required=True),
    ),
    key=("id",),
    indexes=(Index("started_at desc, id desc"),),
    fill=70,
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of an operation."""
    match recorded.event:
        case e.OperationStarted() as event:
            return (_started(recorded, event),)
        case e.OperationAdvanced(sent=sent):
            return _patch(recorded, {"sent": sent})
        case e.TargetAccepted(accepted=accepted):
            return _patch(recorded, {"accepted": accepted})
        case e.TargetRefused(refused=refused):
            return _patch(recorded, {"refused": refused})
        case e.OperationPaused():
            return _patch(recorded, {"status": "paused"})
        case e.OperationResumed():
            return _patch(recorded, {"status": "running"})
        case e.OperationCancelled(skipped=skipped, reason=reason):
            fields = {"status": "cancelled", "skipped": skipped, "reason": reason or None}
            return _patch(recorded, {**fields, "ended_at": recorded.time})
        case e.OperationCompleted():
            return _patch(recorded, {"status": "completed", "ended_at": recorded.time})
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)
_PREFIX: Final = operation_of("")


def _started(recorded: Recorded[Event], event: e.OperationStarted) -> Insert:
    row: Fields = {
        "id": recorded.subject.removeprefix(_PREFIX),
        "action": event.action,
        "arguments": event.arguments,
        "expected": event.expected,
        "status": "running",
        "total": event.total,
        **dict.fromkeys(("sent", "accepted", "refused", "skipped"), 0),
        "started_by": event.by,
        "started_at": recorded.time,
        "updated_at": recorded.time,
        "sequence": recorded.sequence,
    }
    return Insert((row["id"],), row)


def _patch(recorded: Recorded[Event], fields: Fields) -> Sequence[Patch]:
    more = {"updated_at": recorded.time, "sequence": recorded.sequence}
    return (Patch((recorded.subject.removeprefix(_PREFIX),), {**fields, **more}),)


_COLUMNS: Final = ", ".join(column.name for column in TABLE.columns)


async def get(pool: Pool, operation: str) -> Mapping[str, Any] | None:
    row = await pool.fetchrow(f"select {_COLUMNS} from operations where id = $1", operation)
    return dict(row) if row else None


async def find(pool: Pool, *, status: str | None = None, limit: int = 50, cursor: str | None = None) -> Page:
    """
    Operations, the latest first.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    where = Where()
    where.given("status = {}", status)
    if cursor is not None:
        where.add("(started_at, id) < ({}, {})", *from_cursor(cursor, "operations", as_time, as_text))
    limit = clamped(limit)
    sql = f"select {_COLUMNS} from operations {where} order by started_at desc, id desc limit {limit + 1}"
    rows = await pool.fetch(sql, *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor("operations", row["started_at"], row["id"]))
