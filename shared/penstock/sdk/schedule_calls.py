"""What a ``Client`` can ask about schedules: what starts executions by the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from penstock.sdk.executions import Receipt
from penstock.sdk.gateway_calls import Calls, Page


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as the read model shows it."""

    id: str
    status: str
    definition: str
    version: str | None = None
    cron: str | None = None
    every: float | None = None
    timezone: str = "UTC"
    catch_up: str = "one"
    input: Any = None
    business_key: str | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    last_execution: str | None = None
    last_problem: str | None = None
    fired: int = 0
    created_at: datetime
    updated_at: datetime
    updated_by: str | None = None


class ScheduleCalls:
    """The part of a ``Client`` that is about schedules."""

    _calls: Calls
    _by: str

    async def put_schedule(
        self,
        id: str,  # noqa: A002 - what callers call it
        definition: str,
        *,
        cron: str | None = None,
        every: float | None = None,
        timezone: str = "UTC",
        catch_up: str = "one",
        input: Any = None,  # noqa: A002 - the word of the definition
        business_key: str | None = None,
        version: str | None = None,
        paused: bool = False,
    ) -> Receipt:
        """
        Start ``definition`` at each tick of ``cron``, or ``every`` so many seconds; ``input`` is a template that sees
        ``due``. A schedule that is there is changed; the same again changes nothing.
        """
        body = {
            "definition": definition,
            "version": version,
            "cron": cron,
            "every": every,
            "timezone": timezone,
            "catch_up": catch_up,
            "input": input,
            "business_key": business_key,
            "paused": paused,
            "by": self._by,
        }
        return await self._calls.command(_path(id), Receipt, body, method="PUT")

    async def schedule(self, id: str, *, min_token: str | None = None) -> Schedule:  # noqa: A002
        return await self._calls.get(_path(id), Schedule, {"min_token": min_token})

    async def schedules(
        self, *, definition: str | None = None, status: str | None = None, min_token: str | None = None
    ) -> AsyncIterator[Schedule]:
        """All schedules by id; deleted ones only where that is the ``status`` asked for."""
        query = {"definition": definition, "status": status, "min_token": min_token, "limit": 200}
        async for item in self._calls.pages("/schedules", Page[Schedule], query):
            yield item

    async def pause_schedule(self, id: str) -> Receipt:  # noqa: A002
        return await self._calls.command(f"{_path(id)}/pause", Receipt, {"by": self._by})

    async def resume_schedule(self, id: str) -> Receipt:  # noqa: A002
        return await self._calls.command(f"{_path(id)}/resume", Receipt, {"by": self._by})

    async def trigger_schedule(self, id: str) -> Receipt:  # noqa: A002
        """Start one execution now, beside the ticks; the schedule then shows it as ``last_execution``."""
        return await self._calls.command(f"{_path(id)}/trigger", Receipt, {"by": self._by})

    async def delete_schedule(self, id: str) -> Receipt:  # noqa: A002
        return await self._calls.command(_path(id), Receipt, query={"by": self._by}, method="DELETE")


def _path(schedule: str) -> str:
    return f"/schedules/{quote(schedule, safe='')}"
