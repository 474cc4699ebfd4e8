"""The main job: publish, start an execution for each piece of data, and watch until all of them are over."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from penstock.cli.definitions import checked_sources
from penstock.cli.demo.progress import Progress
from penstock.cli.demo.sources import DEFINITIONS, Start
from penstock.cli.demo.tally import Following, Tally
from penstock.log.port import Log
from penstock.projections.positions import standings
from penstock.sdk.client import Client
from penstock.tables.pool import Pool

IN_FLIGHT: Final = 32
TABLES: Final = ("executions", "tasks", "execution_timeline", "definitions")


class DemoJob:
    """A service that ends by itself. ``rows`` are counted when the tables have caught up with the log."""

    name = "demo"

    def __init__(self, log: Log, pool: Pool, client: Client, starts: Sequence[Start], ready: Callable[[], bool]) -> None:
        self._log, self._pool, self._client, self._starts, self._others_ready = log, pool, client, starts, ready
        self._stopping = asyncio.Event()
        self.tally = Tally()
        self.rows: dict[str, int] = {}
        self.seconds = 0.0
        self.done = False

    def ready(self) -> bool:
        return True

    async def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        working = asyncio.create_task(self._work(), name="demo-job")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
        if not working.cancelled():
            working.result()

    async def _work(self) -> None:
        while not self._others_ready():  # noqa: ASYNC110 - services say it when they are asked
            await asyncio.sleep(0.02)
        for _, source in checked_sources([DEFINITIONS]):
            await self._client.publish(source)
        async with AsyncExitStack() as stack:
            following = await Following.begin(self._log)
            stack.push_async_callback(following.close)
            self.tally = following.tally
            progress = stack.enter_context(Progress(Counter(start.definition for start in self._starts)))
            begun = time.monotonic()
            starting = asyncio.create_task(self._start_all())
            stack.callback(starting.cancel)
            while len(following.tally.outcomes) < len(self._starts):
                if starting.done():
                    starting.result()
                await following.step()
                progress.show(following.tally)
            self.seconds = time.monotonic() - begun
        await self._count_rows()
        self.done = True

    async def _start_all(self) -> None:
        waiting = iter(self._starts)

        async def start_some() -> None:
            for start in waiting:
                await self._client.start(start.definition, start.input, business_key=start.business_key)

        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(start_some())

    async def _count_rows(self) -> None:
        """The tables follow a moment later; nobody should count a half."""
        while not await self._caught_up():
            await asyncio.sleep(0.05)
        for table in TABLES:
            self.rows[table] = await self._pool.fetchval(f"select count(*) from {table}")  # noqa: S608 - our own names

    async def _caught_up(self) -> bool:
        found = await standings(self._pool)
        ends = [await self._log.end(standing.partition) for standing in found]
        return all(standing.position >= end for standing, end in zip(found, ends, strict=True))
