"""An event loop whose time passes only when nothing else is left to do: a wait of five days takes no time."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    ``run_to`` runs it until time has reached a moment, or nothing is left to wait for. While a thread works or a
    connection is open, time passes as it does outside.
    """

    def __init__(self) -> None:
        self.now, self.horizon, self.working = 0.0, 0.0, 0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self.now

    def run_to(self, moment: float) -> None:
        self.horizon = moment
        self.run_forever()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        self.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self.working -= 1


class _Leaping(selectors.BaseSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop, self._real = loop, selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if self._loop.working or len(self._real.get_map()) > 1:  # one is the loop's own
            before = time.monotonic()
            found = self._real.select(timeout)
            self._loop.now += time.monotonic() - before
            return found
        self._leap(timeout)
        return []

    def _leap(self, timeout: float | None) -> None:
        loop = self._loop
        if timeout is not None and loop.now + timeout <= loop.horizon:
            loop.now = max(loop.now + timeout, math.nextafter(loop.now, math.inf))
            return
        if math.isfinite(loop.horizon):
            loop.now = max(loop.now, loop.horizon)
        loop.stop()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
