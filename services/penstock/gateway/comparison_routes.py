"""Routes that hold one version of a definition against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from penstock.domain.definition.diff import Change, diff
from penstock.domain.definition.model import Graph
from penstock.domain.execution.migration import problems_of
from penstock.domain.execution.state import Execution
from penstock.gateway import schemas as s
from penstock.gateway.context import PREFIX, QUERY, Cursor, Fresh, Gateway, Limit, answer, documented
from penstock.gateway.definition_routes import DefinitionId, unknown
from penstock.gateway.problems import Problem
from penstock.log.topics import CATALOG, EVENTS
from penstock.projections import definitions, execution_states, executions
from penstock.projections.executions import ExecutionFilter
from penstock.tables.paging import Page
from penstock.tables.pool import Pool

router = APIRouter(prefix=f"{PREFIX}/definitions/{{definition_id}}", tags=["definitions"])

From = Annotated[str, Query(alias="from", max_length=100, examples=["1.0.0"], description="The old version.")]
To = Annotated[str, Query(max_length=100, examples=["1.1.0"], description="The new version.")]
_OPEN: Final = ("running", "waiting", "paused", "failed")


@router.get("/diff", dependencies=[Fresh], responses=documented(200, s.Diff, 404, *QUERY, query=True))
async def get_diff(gateway: Gateway, definition_id: DefinitionId, old: From, to: To) -> Response:
    """What is different between two versions, one change at a time."""
    headers = await gateway.freshness.headers(CATALOG)
    changes = diff(*await _graphs(gateway.pool, definition_id, old, to))
    told = {"id": definition_id, "from": old, "to": to}
    return answer({**told, "changes": [_change(change) for change in changes]}, headers=headers)


@router.get("/compatibility", dependencies=[Fresh], responses=documented(200, s.Compatibility, 404, *QUERY, query=True))
async def get_compatibility(
    *,
    gateway: Gateway,
    definition_id: DefinitionId,
    old: From,
    to: To,
    execution: Annotated[str | None, Query(max_length=200, description="This one only.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """
    Which of the executions of one version could go on under another, and what stands in the way of the others.

    Those that have not ended, the latest first. Nothing is changed: it is the dry run of a migration.
    """
    headers = await gateway.freshness.headers(EVENTS)
    graphs = await _graphs(gateway.pool, definition_id, old, to)
    if execution is None:
        wanted = ExecutionFilter(definition=definition_id, version=old, status=_OPEN)
        page = await executions.find(gateway.pool, wanted, limit=limit, cursor=cursor)
    else:
        page = Page([await _one(gateway.pool, execution, definition_id, old)], None)
    items = await _checked(gateway.pool, page.items, graphs)
    told = {"id": definition_id, "from": old, "to": to, "compatible": all(item["compatible"] for item in items)}
    return answer({**told, "items": items, "cursor": page.cursor}, headers=headers)


async def _graphs(pool: Pool, definition_id: str, *versions: str) -> tuple[Graph, Graph]:
    graphs = []
    for version in versions:
        row = await definitions.get(pool, definition_id, version)
        if row is None:
            raise unknown(f"{definition_id} {version}")
        graphs.append(msgspec.convert(row["graph"], Graph))
    return graphs[0], graphs[1]


async def _one(pool: Pool, execution_id: str, definition_id: str, version: str) -> Mapping[str, Any]:
    row = await executions.get(pool, execution_id)
    if row is None:
        raise Problem(404, "EXECUTION_UNKNOWN", f"expected an execution, but {execution_id!r} is not (yet) there")
    if (row["definition"], row["version"]) != (definition_id, version) or row["status"] not in _OPEN:
        raise Problem(
            409,
            "INVALID_STATE_TRANSITION",
            f"expected an execution of {definition_id} {version} that has not ended, but {execution_id} is one of"
            f" {row['definition']} {row['version']} and {row['status']}",
        )
    return row


async def _checked(
    pool: Pool, rows: Sequence[Mapping[str, Any]], graphs: tuple[Graph, Graph]
) -> list[Mapping[str, Any]]:
    states = await execution_states.states(pool, [row["id"] for row in rows])
    items: list[Mapping[str, Any]] = []
    for row in rows:
        state = states[row["id"]]
        problems = problems_of(state, *graphs) if isinstance(state, Execution) else ()
        steps, tokens = execution_states.standing(state)
        item = {"execution": row["id"], "status": row["status"], "steps": steps, "tokens": tokens}
        items.append({**item, "compatible": not problems, "problems": msgspec.to_builtins(problems)})
    return items


def _change(change: Change) -> dict[str, Any]:
    return {**msgspec.to_builtins(change), "text": str(change)}
