"""The route of hooks: an HTTP call from elsewhere starts an execution of the definition that names the hook."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Path, Request, Response

from penstock.domain.definition.model import Graph
from penstock.domain.execution.commands import ResumeExecution, StartExecution
from penstock.domain.ids import derived_id
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.starts import worked_out
from penstock.gateway import schemas as s
from penstock.gateway.commander import Order
from penstock.gateway.context import COMMAND, PREFIX, Context, Gateway, documented
from penstock.gateway.execution_commands import TraceParent, start, started
from penstock.gateway.problems import Problem
from penstock.messages.envelope import MAX_ID
from penstock.messages.records import Token
from penstock.projections import definitions
from penstock.runtime.ids import new_id

router = APIRouter(prefix=f"{PREFIX}/hooks", tags=["executions"])

HALF_DAY: Final = timedelta(hours=12)
"""How long one key makes one id: so short that a start by it is never too old; the id before is looked up."""

HookName = Annotated[str, Path(max_length=100, examples=["reports"])]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=MAX_ID,
        min_length=1,
        description="The same key starts one execution, for at least 12 hours. Without one, every call starts one.",
    ),
]
_BODY: Final[dict[str, Any]] = {"requestBody": {"content": {"application/json": {"schema": {}}}}}


@router.post(
    "/{name}", status_code=201, responses=documented(201, s.Started, *COMMAND, text="Started."), openapi_extra=_BODY
)
async def call_hook(
    gateway: Gateway, request: Request, name: HookName, key: Key = None, traceparent: TraceParent = ""
) -> Response:
    """
    Start an execution of the definition whose latest active version has the hook; the body, any JSON, is its `payload`.

    Where several definitions have it, the one that was published last is started.
    """
    payload = _payload(await request.body())
    found = await definitions.with_hook(gateway.pool, name)
    if found is None:
        raise Problem(
            404,
            "HOOK_UNKNOWN",
            f"expected a hook of an active definition, but none has {name!r} among its `triggers` (yet)",
        )
    graph = msgspec.convert(found["graph"], Graph)
    trigger = next(one for one in graph.triggers if one.kind == "hook" and one.name == name)
    now = gateway.clock()
    given, business_key = worked_out(trigger.input, trigger.business_key, now, payload=payload)
    command = StartExecution(
        definition=graph.id,
        version=graph.version,
        input=given,
        business_key=business_key,
        initiated_by=f"hook:{name}",
    )
    if key is None:
        id_ = new_id()
        return await start(gateway, Order(command, id_, id_, traceparent=traceparent))
    order = Order(command, await _id_of(gateway, f"{name}/{key}", now), key, traceparent=traceparent)
    try:
        return await start(gateway, order)
    except Rejected as refusal:
        if refusal.code != RejectionCode.EXECUTION_EXISTS:
            raise
        # the same call once more, whose input has another time in it, or another version's
        return await started(gateway, order, _answered(gateway, order.subject))


async def _id_of(gateway: Context, seed: str, now: datetime) -> str:
    """What ``seed`` makes in this half day, unless it has made an execution in the one before."""
    border = now - timedelta(seconds=now.timestamp() % HALF_DAY.total_seconds())
    border = border.replace(microsecond=0) + timedelta(seconds=round(border.microsecond / 1_000_000))
    before, id_ = derived_id(border - HALF_DAY, seed), derived_id(border, seed)
    return before if await _exists(gateway, before) else id_


async def _exists(gateway: Context, execution_id: str) -> bool:
    """Ask the engine, which knows at once: nothing has the status that this is for, and the refusal tells."""
    question = ResumeExecution(expected=("none",))
    try:
        await gateway.ask(Order(question, execution_id, new_id()))
    except Rejected as refusal:
        return refusal.code != RejectionCode.EXECUTION_UNKNOWN
    return True


def _answered(gateway: Context, execution_id: str) -> Token:
    """Everything that is known to be decided about an execution."""
    partition = gateway.partition(execution_id)
    return Token("events", partition, gateway.commander.decided.get(partition, 0))


def _payload(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body.strip() else None
    except msgspec.DecodeError as error:
        raise Problem(422, "MALFORMED", f"expected JSON, but {error}") from error
