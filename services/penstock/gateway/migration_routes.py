"""The route that puts an execution on another version of its definition, or says what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from fastapi import APIRouter, Response

from penstock.domain.definition.compatibility import Problem as Misfit
from penstock.domain.definition.model import Graph
from penstock.domain.execution import commands as c
from penstock.domain.execution.migration import problems_of
from penstock.domain.execution.state import Execution
from penstock.gateway import steering_schemas as t
from penstock.gateway.commander import Order
from penstock.gateway.context import COMMAND, PREFIX, CommandId, Context, Fresh, Gateway, answer, documented
from penstock.gateway.execution_commands import ExecutionId
from penstock.gateway.execution_queries import unknown
from penstock.gateway.problems import Problem
from penstock.projections import definitions, execution_states, executions

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"])


@router.post("/{execution_id}/migrate", dependencies=[Fresh], responses=documented(200, t.Migrated, *COMMAND))
async def migrate_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: t.MigrateRequest
) -> Response:
    """
    Go on by another version, in which every open step and every token has its place.

    With `dry_run` nothing is sent: the answer says what has no place there, as far as the read models know.
    """
    told = {"id": execution_id, "version": request.version}
    if request.dry_run:
        problems = await _problems(gateway, execution_id, request.version)
        return answer({**told, "compatible": not problems, "problems": msgspec.to_builtins(problems)})
    command = c.MigrateExecution(version=request.version, by=request.by, expected=tuple(request.expected))
    _, token = await gateway.ask(Order(command, execution_id, command_id))
    return answer({**told, "compatible": True, "problems": [], "token": str(token), "command_id": command_id})


async def _problems(gateway: Context, execution_id: str, version: str) -> Sequence[Misfit]:
    row = await executions.get(gateway.pool, execution_id)
    if row is None:
        raise unknown(execution_id)
    state = (await execution_states.states(gateway.pool, [execution_id]))[execution_id]
    if not isinstance(state, Execution):
        detail = f"expected an open execution, but {execution_id} is {row['status']}"
        raise Problem(409, "EXECUTION_ENDED", detail)
    old, new = [await _graph(gateway, row["definition"], each) for each in (row["version"], version)]
    return problems_of(state, old, new)


async def _graph(gateway: Context, definition: str, version: str) -> Graph:
    row = await definitions.get(gateway.pool, definition, version)
    if row is None:
        detail = f"expected a published version of {definition}, but got {version!r}"
        raise Problem(404, "DEFINITION_UNKNOWN", detail)
    return msgspec.convert(row["graph"], Graph)
