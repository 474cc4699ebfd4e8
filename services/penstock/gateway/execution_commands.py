"""Routes that change executions: start, pause, resume, cancel, terminate, retry."""

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

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"])

ExecutionId = Annotated[str, Path(max_length=MAX_ID, examples=["0198a6f2-7c1b-7000-8000-2f1d6f1c9a55"])]
TraceParent = Annotated[str, Header(alias="traceparent", max_length=100, include_in_schema=False)]
_RECEIPT = documented(200, s.Receipt, *COMMAND, text="Accepted, and done.")


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
    command = c.StartExecution(
        definition=request.definition,
        version=request.version,
        input=request.input,
        business_key=request.business_key,
        tags=tuple(request.tags),
        priority=request.priority,
        initiated_by=request.initiated_by,
    )
    _, token = await gateway.ask(Order(command, id_, command_id, traceparent=traceparent))
    path = f"{PREFIX}/executions/{id_}"
    links = {"self": path, **{part: f"{path}/{part}" for part in ("tasks", "timeline", "events", "wait")}}
    body: dict[str, Any] = {"id": id_, "status": "started", "token": str(token), "command_id": command_id}
    if request.wait:
        await gateway.freshness.reach([token])
        row = await gateway.outcomes.wait_for(id_, min(request.wait, gateway.settings.max_wait)) or {}
        body |= {key: row.get(key) for key in ("status", "output", "failure")}
        body["ended"] = row.get("status") in RESTING
    return answer(body | {"links": links}, 201, {"Location": path})


@router.post("/{execution_id}/pause", responses=_RECEIPT)
async def pause_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: s.ReasonRequest | None = None
) -> Response:
    """Nothing new begins; results of tasks that run are recorded and wait for the resume."""
    said = request or s.ReasonRequest()
    return await _ask(gateway, c.PauseExecution(reason=said.reason, by=said.by), execution_id, command_id)


@router.post("/{execution_id}/resume", responses=_RECEIPT)
async def resume_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Go on after a pause."""
    return await _ask(gateway, c.ResumeExecution(by=(request or s.ByRequest()).by), execution_id, command_id)


@router.post("/{execution_id}/cancel", responses=_RECEIPT)
async def cancel_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: s.ReasonRequest | None = None
) -> Response:
    """End it in an orderly way."""
    said = request or s.ReasonRequest()
    return await _ask(gateway, c.CancelExecution(reason=said.reason, by=said.by), execution_id, command_id)


@router.post("/{execution_id}/terminate", responses=_RECEIPT)
async def terminate_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: s.ReasonRequest | None = None
) -> Response:
    """End it at once; nobody is asked."""
    said = request or s.ReasonRequest()
    return await _ask(gateway, c.TerminateExecution(reason=said.reason, by=said.by), execution_id, command_id)


@router.post("/{execution_id}/retry", responses=_RECEIPT)
async def retry_execution(
    gateway: Gateway, execution_id: ExecutionId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Try the failed steps of a failed execution again, with a fresh budget of attempts."""
    return await _ask(gateway, c.RetryExecution(by=(request or s.ByRequest()).by), execution_id, command_id)


async def _ask(gateway: Context, command: c.ExecutionCommand, execution_id: str, command_id: str) -> Response:
    _, token = await gateway.ask(Order(command, execution_id, command_id))
    return answer({"id": execution_id, "token": str(token), "command_id": command_id})


def _is_uuid7(text: str) -> bool:
    try:
        value = UUID(text)
    except ValueError:
        return False
    return value.version == 7 and str(value) == text
