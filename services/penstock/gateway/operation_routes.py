"""Routes of operations: one change of many executions, from a filter to the count of every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from penstock.domain.operation import commands as c
from penstock.domain.operation.orders import order
from penstock.domain.subjects import operation_of
from penstock.gateway import operation_schemas as s
from penstock.gateway.commander import Order
from penstock.gateway.context import (
    COMMAND,
    PREFIX,
    QUERY,
    CommandId,
    Context,
    Cursor,
    Fresh,
    Gateway,
    Limit,
    answer,
    documented,
)
from penstock.gateway.freshness import TOKEN_HEADER
from penstock.gateway.problems import Problem
from penstock.gateway.schemas import Receipt
from penstock.log.topics import EVENTS
from penstock.messages.records import Token
from penstock.messages.registry import Command
from penstock.projections import executions, operation_refusals, operations
from penstock.projections.executions import ExecutionFilter

router = APIRouter(prefix=f"{PREFIX}/operations", tags=["changes"])

OperationId = Annotated[str, Path(max_length=190, examples=["0198a6f2-7c1b-7000-8000-2f1d6f1c9a55"])]
OPEN: Final = ("running", "waiting", "paused", "failed")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_SHOWN: Final = 100
_PAGE_BYTES: Final = 400_000
_RECEIPT = documented(200, Receipt, *COMMAND, text="Accepted, and done.")
_STARTED = documented(202, s.OperationReceipt, *COMMAND, text="Started; the change goes on by itself.")
_STARTED[200] = {"model": s.DryRun, "description": "With `dry_run`: what it would change."}


@router.post("", status_code=202, dependencies=[Fresh], responses=_STARTED)
async def start_operation(gateway: Gateway, request: s.OperationRequest, command_id: CommandId) -> Response:
    """
    Change all executions that the filter finds in the read model.

    Each gets the command only if it still has one of the statuses that were asked for. The `Idempotency-Key` becomes
    the operation's id.
    """
    if _ID.fullmatch(command_id) is None:
        detail = "expected letters, digits and ._:- as Idempotency-Key: it becomes the operation's id"
        raise Problem(422, "ID_INVALID", detail)
    subject, expected = operation_of(command_id), tuple(request.filter.status or OPEN)
    order(request.action, request.arguments, expected, subject)  # what nobody could do is refused before anything else
    wanted = ExecutionFilter(**{**request.filter.model_dump(), "status": expected})
    headers = await gateway.freshness.headers(EVENTS)
    found = await executions.ids(gateway.pool, wanted, c.MAX_TARGETS + 1)
    if len(found) > c.MAX_TARGETS:
        detail = f"expected at most {c.MAX_TARGETS:,} executions, but there are more: narrow the filter"
        raise Problem(422, "TOO_MANY_EXECUTIONS", detail)
    if request.dry_run:
        body = {"count": len(found), "executions": found[:_SHOWN], "tokens": headers[TOKEN_HEADER]}
        return answer(body, headers=headers)
    token = await _start(gateway, request, found, expected, command_id)
    path = f"{PREFIX}/operations/{command_id}"
    said = {"id": command_id, "token": str(token), "command_id": command_id, "count": len(found)}
    return answer(said | {"links": {"self": path}}, 202, {"Location": path})


async def _start(
    gateway: Context, request: s.OperationRequest, found: Sequence[str], expected: tuple[str, ...], id_: str
) -> Token:
    """The first page with the start, the others after it."""
    first, *rest = [*_pages(found)] or [()]
    begin = c.StartOperation(
        action=request.action,
        arguments=request.arguments,
        targets=first,
        total=len(found),
        expected=expected,
        by=request.by,
    )
    _, token = await gateway.ask(Order(begin, operation_of(id_), id_))
    start = len(first)
    for targets in rest:
        more = c.AddTargets(start=start, targets=targets)
        _, token = await gateway.ask(Order(more, operation_of(id_), f"{id_}/{start}"))
        start += len(targets)
    return token


@router.get("", dependencies=[Fresh], responses=documented(200, s.Operations, *QUERY, query=True))
async def list_operations(
    gateway: Gateway,
    status: Annotated[Literal["running", "paused", "cancelled", "completed"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Operations, the latest first."""
    headers = await gateway.freshness.headers(EVENTS)
    return answer(await operations.find(gateway.pool, status=status, limit=limit, cursor=cursor), headers=headers)


@router.get("/{operation_id}", dependencies=[Fresh], responses=documented(200, s.Operation, 404, *QUERY, query=True))
async def get_operation(gateway: Gateway, operation_id: OperationId) -> Response:
    """How far it is: how many were asked, did as asked, refused, and why."""
    headers = await gateway.about(operation_of(operation_id))
    row = await operations.get(gateway.pool, operation_id)
    if row is None:
        detail = f"expected an operation that the read model shows, but {operation_id!r} is not there (yet)"
        raise Problem(404, "OPERATION_UNKNOWN", detail)
    codes = await operation_refusals.by_code(gateway.pool, operation_id)
    refusals = await operation_refusals.first(gateway.pool, operation_id, _SHOWN)
    return answer({**row, "codes": codes, "refusals": refusals}, headers=headers)


@router.post("/{operation_id}/pause", responses=_RECEIPT)
async def pause_operation(
    gateway: Gateway, operation_id: OperationId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Ask nobody more until it is resumed."""
    return await _ask(gateway, c.PauseOperation(by=(request or s.ByRequest()).by), operation_id, command_id)


@router.post("/{operation_id}/resume", responses=_RECEIPT)
async def resume_operation(
    gateway: Gateway, operation_id: OperationId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Go on after a pause."""
    return await _ask(gateway, c.ResumeOperation(by=(request or s.ByRequest()).by), operation_id, command_id)


@router.post("/{operation_id}/cancel", responses=_RECEIPT)
async def cancel_operation(
    gateway: Gateway, operation_id: OperationId, command_id: CommandId, request: s.ReasonRequest | None = None
) -> Response:
    """Ask nobody more, for good. What was asked stays done."""
    said = request or s.ReasonRequest()
    return await _ask(gateway, c.CancelOperation(reason=said.reason, by=said.by), operation_id, command_id)


async def _ask(gateway: Context, command: Command, operation_id: str, command_id: str) -> Response:
    _, token = await gateway.ask(Order(command, operation_of(operation_id), command_id))
    return answer({"id": operation_id, "token": str(token), "command_id": command_id})


def _pages(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """As many as a command takes, and no more bytes than fit into its record."""
    page: list[str] = []
    room = _PAGE_BYTES
    for id_ in ids:
        if room < len(id_) + 3 or len(page) == c.MAX_PAGE:
            yield tuple(page)
            page, room = [], _PAGE_BYTES
        page.append(id_)
        room -= len(id_) + 3
    if page:
        yield tuple(page)
