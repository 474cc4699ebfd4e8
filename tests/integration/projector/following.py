"""A projector at work, and how a test waits for it: as a gateway does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from penstock.log.port import Log
from penstock.messages.records import Token
from penstock.projections import positions
from penstock.projector.service import Projector
from penstock.tables.pool import Pool


@asynccontextmanager
async def running(log: Log, pool: Pool, **options: Any) -> AsyncIterator[Projector]:
    projector = Projector(log, pool, **{"idle": 0.05, **options})
    task = asyncio.create_task(projector.run())
    try:
        yield projector
        await projector.stop()
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def applied(pool: Pool, position: int, partition: int = 0, topic: Any = "events") -> None:
    """Wait as a gateway does."""
    until = Token(topic, partition, position)
    async with asyncio.timeout(20):
        while not await exists(pool) or not await positions.watch(pool).wait_for(until, 5):
            await asyncio.sleep(0)


async def exists(pool: Pool, table: str = "applied_positions") -> bool:
    return await pool.fetchval("select to_regclass($1) is not null", table) is True


async def count(pool: Pool, table: str) -> int:
    return int(await pool.fetchval(f"select count(*) from {table}"))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.001)


def following(projector: Projector) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return projector.ready()

    return ready


def counted(projector: Projector, events: int) -> Callable[[], Awaitable[bool]]:
    """Rows are seen before the projector itself has counted them; more events than these is a failure by time-out."""

    async def enough() -> bool:
        return projector.counts.events == events

    return enough
