"""The route that starts executions."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response

from penstock.domain.execution import commands as c
from penstock.gateway import schemas as s
from penstock.gateway.commander import Order
from penstock.gateway.context import COMMAND, PREFIX, CommandId, Context, Gateway, answer, documented
from penstock.gateway.outcome import RESTING
from penstock.gateway.problems import Problem
from penstock.messages.envelope import MAX_ID
from penstock.messages.records import Token

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"])

ExecutionId = Annotated[str, Path(max_length=MAX_ID, examples=["0198a6f2-7c1b-7000-8000-2f1d6f1c9a55"])]
TraceParent = Annotated[str, Header(alias="traceparent", max_length=100, include_in_schema=False)]


@router.post("", status_code=201, responses=documented(201, s.Started, *COMMAND, text="Started."))
async def start_execution(
    gateway: Gateway, request: s.StartRequest, command_id: CommandId, traceparent: TraceParent = ""
) -> Response:
    """
    Start an execution.

    With an `Idempotency-Key` and without an `id`, the key has to be a UUIDv7 and becomes the execution's id,
    so that no repetition ever starts a second one.
    """
    id_ = request.id or command_id
    if request.id is None and not _is_uuid7(command_id):
        detail = "expected a UUIDv7 as Idempotency-Key, because it becomes the execution's id; or give an `id`"
        raise Problem(422, "ID_INVALID", detail)
    if ":" in id_:
        raise Problem(422, "ID_INVALID", "expected a UUIDv7 as id, but got that of a child: its parent starts it")
    command = c.StartExecution(
        definition=request.definition,
        version=request.version,
        input=request.input,
        business_key=request.business_key,
        tags=tuple(request.tags),
        priority=request.priority,
        initiated_by=request.initiated_by,
    )
    return await start(gateway, Order(command, id_, command_id, traceparent=traceparent), request.wait)


async def start(gateway: Context, order: Order, wait: float | None = None) -> Response:
    """Have an execution started, and wait up to so many seconds for its end."""
    _, token = await gateway.ask(order)
    return await started(gateway, order, token, wait)


async def started(gateway: Context, order: Order, token: Token, wait: float | None = None) -> Response:
    """The answer about an execution that ``order`` has started."""
    id_ = order.subject
    path = f"{PREFIX}/executions/{id_}"
    links = {"self": path, **{part: f"{path}/{part}" for part in ("tasks", "timeline", "events", "wait")}}
    body: dict[str, Any] = {"id": id_, "status": "started", "token": str(token), "command_id": order.id}
    if wait:
        await gateway.freshness.reach([token])
        row = await gateway.outcomes.wait_for(id_, min(wait, gateway.settings.max_wait)) or {}
        body |= {key: row.get(key) for key in ("status", "output", "failure")}
        body["ended"] = row.get("status") in RESTING
    return answer(body | {"links": links}, 201, {"Location": path})


def _is_uuid7(text: str) -> bool:
    try:
        value = UUID(text)
    except ValueError:
        return False
    return value.version == 7 and str(value) == text
