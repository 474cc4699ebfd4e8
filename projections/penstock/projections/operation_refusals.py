"""The read model ``operation_refusals``: which executions refused what an operation asked of them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.domain.operation.events import TargetRefused
from penstock.domain.subjects import operation_of
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Insert
from penstock.tables.paging import clamped
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Table

TABLE: Final = Table(
    name="operation_refusals",
    columns=(
        Column("operation", "text"),
        Column("execution", "text"),
        Column("code", "text", required=True),
        Column("refused_at", "timestamptz", required=True),
        Column("sequence", "bigint", required=True),
    ),
    key=("operation", "execution"),
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """One more row for each refusal."""
    match recorded.event:
        case TargetRefused(execution=execution, code=code):
            operation = recorded.subject.removeprefix(_PREFIX)
            row = {"code": code, "refused_at": recorded.time, "sequence": recorded.sequence}
            return (Insert((operation, execution), {"operation": operation, "execution": execution, **row}),)
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)
_PREFIX: Final = operation_of("")


async def by_code(pool: Pool, operation: str) -> Mapping[str, int]:
    """How many refused for each reason."""
    sql = "select code, count(*) as number from operation_refusals where operation = $1 group by code order by code"
    return {row["code"]: row["number"] for row in await pool.fetch(sql, operation)}


async def first(pool: Pool, operation: str, limit: int = 100) -> Sequence[Mapping[str, Any]]:
    """The first that refused."""
    sql = f"""
        select execution, code from operation_refusals where operation = $1
        order by sequence limit {clamped(limit)}
    """
    return [dict(row) for row in await pool.fetch(sql, operation)]
