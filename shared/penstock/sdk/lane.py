"""
Runs work with bounded concurrency, and a task of the event loop for many pieces of work rather than one for each: a
handler that never waits then costs no more than a call.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SLICE: Final = 0.002
"""Seconds after which a runner lets others have the event loop."""


class Lane(Generic[T]):
    """At most ``size`` pieces of work at a time, begun in the order in which they came. ``failed`` hears of defects."""

    def __init__(self, size: int, do: Callable[[T], Awaitable[None]], failed: Callable[[BaseException], None]) -> None:
        self._size, self._do, self._failed = size, do, failed
        self._waiting: deque[T] = deque()
        self._starting = False
        self._context = contextvars.copy_context()
        self.runners: set[asyncio.Task[None]] = set()

    def put(self, work: T) -> None:
        self._waiting.append(work)
        self._spur()

    def clear(self) -> list[T]:
        """Take back what has not begun."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def _spur(self) -> None:
        """One more runner, where there is work for it; it starts the next one, so that short work needs few."""
        if self._waiting and not self._starting and len(self.runners) < self._size:
            self._starting = True
            runner = asyncio.get_running_loop().create_task(self._run(), context=self._context.copy())
            self.runners.add(runner)
            runner.add_done_callback(self._ended)

    async def _run(self) -> None:
        self._starting = False
        loop = asyncio.get_running_loop()
        pause_at = loop.time() + SLICE
        while self._waiting:
            work = self._waiting.popleft()
            self._spur()
            await self._do(work)
            if contextvars.copy_context() != self._context:
                return  # the handler left something in the context: the next one gets a fresh runner
            if loop.time() > pause_at:
                await asyncio.sleep(0)
                pause_at = loop.time() + SLICE

    def _ended(self, runner: asyncio.Task[None]) -> None:
        self.runners.discard(runner)
        if not runner.cancelled() and (error := runner.exception()) is not None:
            self._failed(error)
        self._starting = self._starting and bool(self.runners)
        if not runner.get_loop().is_closed():
            self._spur()
