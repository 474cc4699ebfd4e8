"""Routes by which callers reach executions without knowing them: messages to one that waits, signals to all that do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import mailbox_of, signal_of
from penstock.gateway import schemas as s
from penstock.gateway.commander import Order
from penstock.gateway.context import COMMAND, PREFIX, CommandId, Gateway, answer, documented

router = APIRouter(prefix=PREFIX, tags=["messages"])

TraceParent = Annotated[str, Header(alias="traceparent", max_length=100, include_in_schema=False)]


@router.post(
    "/messages",
    status_code=202,
    responses=documented(202, s.Receipt, *COMMAND, text="Kept, or given to an execution that waited."),
)
async def send_message(
    gateway: Gateway, request: s.MessageRequest, command_id: CommandId, traceparent: TraceParent = ""
) -> Response:
    """
    Send a message to one execution: the first that waits for its name and key, or the next one that will.

    The same `id` again is the same message; without one, the `Idempotency-Key` is the message's id.
    """
    id_ = request.id or command_id
    command = SendMessage(message_id=id_, payload=request.payload, ttl=request.ttl, by=request.by)
    order = Order(command, mailbox_of(request.name, request.key), command_id, traceparent=traceparent)
    _, token = await gateway.ask(order)
    return answer({"id": id_, "token": str(token), "command_id": command_id}, 202)


@router.post(
    "/signals",
    status_code=202,
    responses=documented(202, s.Receipt, *COMMAND, text="Broadcast: it reaches everybody who waited."),
)
async def broadcast_signal(
    gateway: Gateway, request: s.SignalRequest, command_id: CommandId, traceparent: TraceParent = ""
) -> Response:
    """Reach every execution that waits for the signal now; for all others it is lost."""
    command = BroadcastSignal(payload=request.payload, by=request.by)
    order = Order(command, signal_of(request.name), command_id, traceparent=traceparent)
    _, token = await gateway.ask(order)
    return answer({"id": request.name, "token": str(token), "command_id": command_id}, 202)
