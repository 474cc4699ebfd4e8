"""Routes of schedules: what starts executions by the clock."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from penstock.domain.schedule import commands as c
from penstock.domain.schedule.plan import Plan
from penstock.domain.subjects import schedule_of
from penstock.gateway import schedule_schemas as s
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
from penstock.gateway.problems import Problem
from penstock.gateway.schemas import Receipt
from penstock.log.topics import EVENTS
from penstock.messages.registry import Command
from penstock.projections import schedules

router = APIRouter(prefix=f"{PREFIX}/schedules", tags=["schedules"])

ScheduleId = Annotated[str, Path(max_length=190, examples=["nightly"])]
_RECEIPT = documented(200, Receipt, *COMMAND, text="Accepted, and done.")


@router.put("/{schedule_id}", responses=_RECEIPT)
async def put_schedule(
    gateway: Gateway, schedule_id: ScheduleId, request: s.ScheduleRequest, command_id: CommandId
) -> Response:
    """Make a schedule, or change it. The same content again changes nothing."""
    plan = Plan(**request.model_dump(exclude={"paused", "by"}))
    command = c.CreateSchedule(plan=plan, paused=request.paused, by=request.by)
    return await _ask(gateway, command, schedule_id, command_id)


@router.get("", dependencies=[Fresh], responses=documented(200, s.Schedules, *QUERY, query=True))
async def list_schedules(
    gateway: Gateway,
    definition: str | None = None,
    status: Annotated[Literal["active", "paused", "deleted"] | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Schedules by id; deleted ones only where they are asked for."""
    headers = await gateway.freshness.headers(EVENTS)
    page = await schedules.find(gateway.pool, definition=definition, status=status, limit=limit, cursor=cursor)
    return answer(page, headers=headers)


@router.get("/{schedule_id}", dependencies=[Fresh], responses=documented(200, s.Schedule, 404, *QUERY, query=True))
async def get_schedule(gateway: Gateway, schedule_id: ScheduleId) -> Response:
    """One schedule: when it is due next, and what it started last."""
    headers = await gateway.about(schedule_of(schedule_id))
    row = await schedules.get(gateway.pool, schedule_id)
    if row is None:
        detail = f"expected a schedule that the read model shows, but {schedule_id!r} is not there"
        raise Problem(404, "SCHEDULE_UNKNOWN", detail)
    return answer(row, headers=headers)


@router.post("/{schedule_id}/pause", responses=_RECEIPT)
async def pause_schedule(
    gateway: Gateway, schedule_id: ScheduleId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Start nothing until it is resumed."""
    return await _ask(gateway, c.PauseSchedule(by=(request or s.ByRequest()).by), schedule_id, command_id)


@router.post("/{schedule_id}/resume", responses=_RECEIPT)
async def resume_schedule(
    gateway: Gateway, schedule_id: ScheduleId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Go on; ticks of the pause are made good as `catch_up` says."""
    return await _ask(gateway, c.ResumeSchedule(by=(request or s.ByRequest()).by), schedule_id, command_id)


@router.post("/{schedule_id}/trigger", responses=_RECEIPT)
async def trigger_schedule(
    gateway: Gateway, schedule_id: ScheduleId, command_id: CommandId, request: s.ByRequest | None = None
) -> Response:
    """Start one execution now, beside the ticks. The schedule then shows it as `last_execution`."""
    return await _ask(gateway, c.TriggerSchedule(by=(request or s.ByRequest()).by), schedule_id, command_id)


@router.delete("/{schedule_id}", responses=_RECEIPT)
async def delete_schedule(
    gateway: Gateway,
    schedule_id: ScheduleId,
    command_id: CommandId,
    by: Annotated[str, Query(max_length=200, description="Who does it, for the audit trail.")] = "api",
) -> Response:
    """Take a schedule away; its history stays."""
    return await _ask(gateway, c.DeleteSchedule(by=by), schedule_id, command_id)


async def _ask(gateway: Context, command: Command, schedule_id: str, command_id: str) -> Response:
    _, token = await gateway.ask(Order(command, schedule_of(schedule_id), command_id))
    return answer({"id": schedule_id, "token": str(token), "command_id": command_id})
