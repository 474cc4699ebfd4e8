"""The main job: publish, start an execution for each piece of data, and watch until all of them are over."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from penstock.cli.definitions import checked_sources
from penstock.cli.demo.progress import Progress
from penstock.cli.demo.sources import DEFINITIONS, Start
from penstock.cli.demo.tally import Following, Tally
from penstock.projections.positions import standings
from penstock.sdk.client import Client
from penstock.standalone import Standalone

OPEN: Final = 64
"""So many executions are open at a time: enough to fill the machine, few enough that none waits long."""

TABLES: Final = ("executions", "tasks", "execution_timeline", "definitions")


class DemoJob:
    """A service that ends by itself. ``rows`` are counted when the tables have caught up with the log."""

    name = "demo"

    def __init__(self, standalone: Standalone, starts: Sequence[Start]) -> None:
        self._standalone, self._starts = standalone, starts
        self._stopping, self._room = asyncio.Event(), asyncio.Semaphore(OPEN)
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
        await self._standalone.until_ready()
        async with Client(self._standalone.gateway.url) as client:
            for _, source in checked_sources([DEFINITIONS]):
                await client.publish(source)
            await self._run_all(client)
        while not await self._caught_up():  # noqa: ASYNC110 - another service does it
            await asyncio.sleep(0.05)
        for table in TABLES:
            self.rows[table] = await self._standalone.pool.fetchval(f"select count(*) from {table}")  # noqa: S608 - ours
        self.done = True

    async def _run_all(self, client: Client) -> None:
        async with AsyncExitStack() as stack:
            following = await Following.begin(self._standalone.log)
            stack.push_async_callback(following.close)
            self.tally = following.tally
            progress = stack.enter_context(Progress(Counter(start.definition for start in self._starts)))
            begun = time.monotonic()
            starting = asyncio.create_task(self._start_all(client))
            stack.push_async_callback(_ended, starting)
            while len(self.tally.outcomes) < len(self._starts):
                if starting.done():
                    starting.result()
                before = len(self.tally.outcomes)
                await following.step()
                for _ in range(len(self.tally.outcomes) - before):
                    self._room.release()
                progress.show(self.tally)
            self.seconds = time.monotonic() - begun

    async def _start_all(self, client: Client) -> None:
        async with asyncio.TaskGroup() as group:
            for start in self._starts:
                await self._room.acquire()
                group.create_task(client.start(start.definition, start.input, business_key=start.business_key))

    async def _caught_up(self) -> bool:
        """The tables follow a moment later; nobody should count a half."""
        found = await standings(self._standalone.pool)
        ends = [await self._standalone.log.end(standing.partition) for standing in found]
        return all(standing.position >= end for standing, end in zip(found, ends, strict=True))


async def _ended(task: asyncio.Task[None]) -> None:
    """Nothing may go on behind our back: it would speak to a client that is closed."""
    task.cancel()
    await asyncio.wait({task})
