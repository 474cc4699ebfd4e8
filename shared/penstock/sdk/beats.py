"""Tells the engine of the tasks that have to show that they live: one timer for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from penstock.sdk.work import Work

PER_INTERVAL: Final = 3
"""Heartbeats in the time in which one is expected: two may be lost on the way."""


@dataclass(slots=True)
class _Beating:
    work: Work
    every: float
    next_at: float
    sending: asyncio.Task[None] | None = None


class Beats:
    def __init__(self) -> None:
        self._beating: dict[Work, _Beating] = {}
        self._news = asyncio.Event()

    def start(self, work: Work, interval: float) -> None:
        every = interval / PER_INTERVAL
        self._beating[work] = _Beating(work, every, asyncio.get_running_loop().time() + every)
        self._news.set()

    def stop(self, work: Work) -> None:
        beating = self._beating.pop(work, None)
        if beating is not None and beating.sending is not None:
            beating.sending.cancel()

    async def run(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            now = loop.time()
            for beating in self._beating.values():
                if beating.next_at <= now:
                    beating.next_at = now + beating.every
                    if beating.sending is None or beating.sending.done():
                        beating.sending = asyncio.create_task(beat(beating.work))
            next_at = min((beating.next_at for beating in self._beating.values()), default=None)
            try:
                async with asyncio.timeout_at(next_at):
                    await self._news.wait()
            except TimeoutError:
                continue


async def beat(work: Work) -> None:
    """One heartbeat. Where it is refused, the attempt is not ours any more."""
    if not await work.channel.heartbeat(work.delivery):
        work.withdraw()
