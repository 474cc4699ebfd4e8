"""Waits until executions end or fail; all who wait in a process share one small query."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from penstock.projections import executions
from penstock.tables.pool import Pool, TablesUnavailable

RESTING: Final = frozenset({"completed", "cancelled", "terminated", "failed"})
_SHORTEST: Final = 0.004
_LONGEST: Final = 0.1


class Outcomes:
    """The tables are asked often while somebody has just begun to wait, and less and less often afterwards."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._pause = _SHORTEST
        self._news = asyncio.Event()

    async def wait_for(self, execution_id: str, timeout: float) -> Mapping[str, Any] | None:  # noqa: ASYNC109 - running out is an answer
        """The row of an execution, at rest or as it stands after ``timeout`` seconds; None where there is none."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(execution_id, set()).add(waiter)
        self._pause = _SHORTEST
        self._news.set()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="outcomes")
        try:
            done, _ = await asyncio.wait({waiter}, timeout=timeout)
            if done:
                waiter.result()
        finally:
            waiters = self._waiting[execution_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[execution_id]
        return await executions.get(self._pool, execution_id)

    def close(self) -> None:
        """Nobody waits any longer: they get what is known."""
        for execution_id in list(self._waiting):
            self._tell(execution_id, None)

    async def _poll(self) -> None:
        while self._waiting:
            self._news.clear()
            try:
                for id_ in await self._at_rest(list(self._waiting)):
                    self._tell(id_, None)
            except TablesUnavailable as error:
                for id_ in list(self._waiting):
                    self._tell(id_, error)
            try:
                async with asyncio.timeout(self._pause):
                    await self._news.wait()
            except TimeoutError:
                self._pause = min(self._pause * 1.25, _LONGEST)

    async def _at_rest(self, ids: list[str]) -> list[str]:
        sql = "select id from executions where id = any($1::text[]) and status = any($2::text[])"
        return [row["id"] for row in await self._pool.fetch(sql, ids, list(RESTING))]

    def _tell(self, execution_id: str, error: TablesUnavailable | None) -> None:
        for waiter in self._waiting.get(execution_id, ()):
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(TablesUnavailable(str(error)))
