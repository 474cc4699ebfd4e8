"""Routes that read executions: lists, one of them, its tasks, its timeline, its events, and the wait for its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from penstock.gateway import schemas as s
from penstock.gateway import steering_schemas as t
from penstock.gateway.context import PREFIX, QUERY, Cursor, Fresh, Gateway, Limit, answer, documented
from penstock.gateway.execution_commands import ExecutionId
from penstock.gateway.outcome import RESTING
from penstock.gateway.problems import Problem
from penstock.log.topics import EVENTS
from penstock.projections import definitions, execution_states, execution_timeline, executions, tasks
from penstock.projections.executions import ExecutionFilter
from penstock.projections.read_model import Place

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"], dependencies=[Fresh])


@router.get("", responses=documented(200, s.Executions, *QUERY, query=True))
async def list_executions(  # noqa: PLR0917 - one per query parameter
    gateway: Gateway,
    status: Annotated[list[s.Status] | None, Query(description="May be repeated.")] = None,
    definition: str | None = None,
    version: str | None = None,
    business_key: str | None = None,
    tag: str | None = None,
    initiated_by: str | None = None,
    started_after: datetime | None = None,
    started_before: datetime | None = None,
    updated_after: datetime | None = None,
    root_id: str | None = None,
    order: Literal["started", "updated"] = "started",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Executions without input and output, the latest first."""
    wanted = ExecutionFilter(
        status=status,
        definition=definition,
        version=version,
        business_key=business_key,
        tag=tag,
        initiated_by=initiated_by,
        started_after=started_after,
        started_before=started_before,
        updated_after=updated_after,
        root_id=root_id,
    )
    headers = await gateway.freshness.headers(EVENTS)
    page = await executions.find(gateway.pool, wanted, limit=limit, cursor=cursor, order=order)
    return answer(page, headers=headers)


@router.get("/{execution_id}", responses=documented(200, s.Execution, 404, *QUERY, query=True))
async def get_execution(gateway: Gateway, execution_id: ExecutionId) -> Response:
    """One execution with input and output."""
    headers = await gateway.about(execution_id)
    row = await executions.get(gateway.pool, execution_id)
    if row is None:
        raise unknown(execution_id)
    return answer(row, headers=headers)


@router.get("/{execution_id}/tasks", responses=documented(200, s.TaskList, 404, *QUERY, query=True))
async def get_tasks_of_execution(gateway: Gateway, execution_id: ExecutionId, limit: Limit = 1000) -> Response:
    """The attempts of its task steps, in the order in which they were scheduled."""
    headers = await gateway.about(execution_id)
    rows = await tasks.of_execution(gateway.pool, execution_id, limit)
    if not rows and await executions.get(gateway.pool, execution_id) is None:
        raise unknown(execution_id)
    return answer({"items": rows}, headers=headers)


@router.get("/{execution_id}/timeline", responses=documented(200, s.Timeline, 404, *QUERY, query=True))
async def get_timeline(
    gateway: Gateway, execution_id: ExecutionId, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Everything that happened to it, in order, each with its place in the log."""
    headers = await gateway.about(execution_id)
    page = await execution_timeline.page(gateway.pool, execution_id, limit=limit, cursor=cursor)
    if not page.items and cursor is None:
        raise unknown(execution_id)
    return answer(page, headers=headers)


@router.get("/{execution_id}/progress", responses=documented(200, t.Progress, 404, *QUERY, query=True))
async def get_progress(gateway: Gateway, execution_id: ExecutionId) -> Response:
    """How far it has come: an estimate from what has begun, and what the definition has besides."""
    headers = await gateway.about(execution_id)
    row = await executions.get(gateway.pool, execution_id)
    if row is None:
        raise unknown(execution_id)
    definition = await definitions.get(gateway.pool, row["definition"], row["version"])
    steps = definition["graph"]["steps"] if definition else {}
    come = await execution_states.progress(gateway.pool, execution_id, steps)
    percentage, done, known = come or (0, 0, 0)
    told = {"id": execution_id, "status": row["status"], "progress": percentage, "done": done, "known": known}
    completion = None
    if done and row["ended_at"] is None:
        began: datetime = row["started_at"]
        completion = began + (gateway.clock() - began) * (known / done)
    times = {"started_at": row["started_at"], "ended_at": row["ended_at"], "estimated_completion": completion}
    return answer({**told, **times}, headers=headers)


@router.get("/{execution_id}/variables", responses=documented(200, t.Variables, 404, *QUERY, query=True))
async def get_variables(gateway: Gateway, execution_id: ExecutionId) -> Response:
    """Its variables, those of its open blocks and copies too, each with the event that set it last."""
    headers = await gateway.about(execution_id)
    found = await execution_states.variables(gateway.pool, execution_id)
    if found is None:
        raise unknown(execution_id)
    return answer({"items": found}, headers=headers)


_EVENTS = documented(200, None, 404, *QUERY, query=True, text="The events, byte for byte as they stand in the log.")
_EVENTS[200] |= {"content": {"application/cloudevents-batch+json": {"schema": {"type": "array", "items": {}}}}}


@router.get("/{execution_id}/events", responses=_EVENTS)
async def get_events(
    gateway: Gateway, request: Request, execution_id: ExecutionId, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """Its CloudEvents. Where there are more, the `Link` header with `rel="next"` leads to them."""
    headers = await gateway.about(execution_id)
    page = await execution_timeline.page(gateway.pool, execution_id, limit=limit, cursor=cursor)
    if not page.items and cursor is None:
        raise unknown(execution_id)
    values = await gateway.events.read([Place(item["partition"], item["position"]) for item in page.items])
    if page.cursor is not None:
        following = request.url.include_query_params(cursor=page.cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(b"[" + b",\n".join(values) + b"]", 200, headers, "application/cloudevents-batch+json")


@router.get("/{execution_id}/wait", responses=documented(200, s.Waited, 404, *QUERY, query=True))
async def wait_for_execution(
    gateway: Gateway,
    execution_id: ExecutionId,
    timeout: Annotated[float, Query(ge=0)] = 30.0,  # noqa: ASYNC109 - the caller's
) -> Response:
    """Answer as soon as it has ended or failed, or as it stands when the time is up (at most 30 s: then ask again)."""
    row = await gateway.outcomes.wait_for(execution_id, min(timeout, gateway.settings.max_wait))
    if row is None:
        raise unknown(execution_id)
    return answer({"ended": row["status"] in RESTING, "execution": row}, headers=await gateway.about(execution_id))


def unknown(execution_id: str) -> Problem:
    detail = (
        f"expected an execution that the read model shows, but {execution_id} is not there (yet: give its `min_token`)"
    )
    return Problem(404, "EXECUTION_UNKNOWN", detail)
