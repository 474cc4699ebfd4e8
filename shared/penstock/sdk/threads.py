"""Threads for handlers that are not async. Daemons: one that hangs must not keep the process from ending."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

from penstock.runtime.supervise import Raised, outcome_of_call


class _Job(NamedTuple):
    call: Callable[..., Any]
    arguments: dict[str, Any]
    context: contextvars.Context
    done: asyncio.Future[Any | Raised]


class Threads:
    """At most ``size`` of them, made when needed. Whoever calls sees to it that no more calls are under way."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0

    def call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> asyncio.Future[Any | Raised]:
        """What ``function`` gives or raises, as a value."""
        done: asyncio.Future[Any | Raised] = asyncio.get_running_loop().create_future()
        done.add_done_callback(self._free)
        self._busy += 1
        if self._busy > len(self._threads) and len(self._threads) < self._size:
            name = f"penstock-handler-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        self._jobs.put(_Job(function, arguments, contextvars.copy_context(), done))
        return done

    def close(self) -> None:
        """Let threads end that are free; the others end after their call."""
        for _ in self._threads:
            self._jobs.put(None)

    def _free(self, _: object) -> None:
        self._busy -= 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome = job.context.run(_outcome, job)
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits for it
                job.done.get_loop().call_soon_threadsafe(_resolve, job.done, outcome)


def _outcome(job: _Job) -> Any:
    return outcome_of_call(job.call, job.arguments)


def _resolve(done: asyncio.Future[Any], outcome: Any) -> None:
    if not done.done():
        done.set_result(outcome)
