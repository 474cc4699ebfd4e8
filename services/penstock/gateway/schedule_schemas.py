"""Requests and answers about schedules, as OpenAPI tells them to callers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from penstock.gateway.schemas import Answer, Name, Request


class ByRequest(Request):
    by: Name = "api"


class ScheduleRequest(Request):
    """Start executions of a definition at the ticks of a cron expression, or every so many seconds."""

    definition: Name = Field(examples=["nightly-report"])
    version: Name | None = Field(None, description="Absent: the latest active version at each tick.")
    cron: Annotated[str, StringConstraints(max_length=100)] | None = Field(None, examples=["0 3 * * *"])
    every: float | None = Field(None, ge=1, description="Seconds; instead of `cron`.")
    timezone: Annotated[str, StringConstraints(max_length=100)] = "UTC"
    catch_up: Literal["none", "one", "all"] = Field("one", description="What becomes of ticks that were missed.")
    input: Any = Field(None, description="A template, which sees `due`.", examples=[{"day": "{{ due }}"}])
    business_key: Name | None = None
    paused: bool = Field(False, description="How a new schedule begins.")
    by: Name = "api"


class Schedule(Answer):
    id: str
    status: Literal["active", "paused", "deleted"]
    definition: str
    version: str | None = None
    cron: str | None = None
    every: float | None = None
    timezone: str
    catch_up: Literal["none", "one", "all"]
    input: Any = None
    business_key: str | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    last_execution: str | None = None
    last_problem: str | None = None
    fired: int
    created_at: datetime
    updated_at: datetime
    updated_by: str | None = None


class Schedules(Answer):
    items: list[Schedule]
    cursor: str | None = None
