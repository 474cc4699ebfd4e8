"""The read model ``execution_timeline``: every event of every execution, with its place in the log (decisions 27)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from penstock.domain.execution.events import ExecutionEvent
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Append, Change
from penstock.tables.paging import Page, as_number, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Table

_OF_EXECUTIONS: Final = frozenset(get_args(ExecutionEvent))

TABLE: Final = Table(
    name="execution_timeline",
    columns=(
        Column("execution_id", "text"),
        Column("sequence", "bigint"),
        Column("id", "text", required=True),
        Column("type", "text", required=True),
        Column("time", "timestamptz", required=True),
        Column("data", "jsonb", required=True),
        Column("partition", "integer", required=True),
        Column("position", "bigint", required=True),
        Column("causation_id", "text"),
        Column("correlation_id", "text"),
    ),
    key=("execution_id", "sequence"),
    append_only=True,
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """One more line in the timeline of an execution."""
    if type(recorded.event) not in _OF_EXECUTIONS:
        return ()
    line = (
        recorded.subject,
        recorded.sequence,
        recorded.id,
        recorded.type,
        recorded.time,
        recorded.event,
        at.partition,
        at.position,
        recorded.causation_id or None,
        recorded.correlation_id or None,
    )
    return (Append(line),)


MODEL: Final = ReadModel(TABLE, project)

_LINE: Final = ", ".join(column.name for column in TABLE.columns)


async def page(pool: Pool, execution_id: str, *, limit: int = 100, cursor: str | None = None, after: int = 0) -> Page:
    """
    The events of one execution after number ``after`` (or after the cursor), in order.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    if cursor is not None:
        (after,) = from_cursor(cursor, "timeline", as_number)
    limit = clamped(limit)
    where = "execution_id = $1 and sequence > $2"
    sql = f"select {_LINE} from execution_timeline where {where} order by sequence limit {limit + 1}"
    rows = await pool.fetch(sql, execution_id, after)
    return page_of(rows, limit, lambda row: to_cursor("timeline", row["sequence"]))


async def event(pool: Pool, execution_id: str, sequence: int) -> Mapping[str, Any] | None:
    """One event; its ``partition`` and ``position`` say where the log has it."""
    where = "execution_id = $1 and sequence = $2"
    row = await pool.fetchrow(f"select {_LINE} from execution_timeline where {where}", execution_id, sequence)
    return dict(row) if row else None


async def places(
    pool: Pool, execution_id: str, *, until: int | None = None, at: datetime | None = None
) -> Sequence[Place]:
    """Where the events of an execution stand in the log, in order: up to number ``until``, or up to the time ``at``."""
    sql = (
        "select partition, position from execution_timeline where execution_id = $1 "
        "and ($2::bigint is null or sequence <= $2) and ($3::timestamptz is null or time <= $3) order by sequence"
    )
    return [Place(row["partition"], row["position"]) for row in await pool.fetch(sql, execution_id, until, at)]
