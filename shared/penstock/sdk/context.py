"""What a handler can learn of the task that it does, and say about it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, cast

import structlog

from penstock.messages.records import Task
from penstock.sdk.errors import TaskWithdrawn

_logger = structlog.get_logger("penstock.task")


class TaskContext:
    """
    The attempt that a handler works on; handed to a parameter annotated with this class.

    ``cancelled`` is set when the attempt is no longer wanted: a handler in a thread looks at it now and then, an async
    one is cancelled as well.
    """

    __slots__ = ("_beat", "_logger", "_loop", "_task", "cancelled", "deadline")

    def __init__(self, task: Task, deadline: datetime | None, beat: Callable[[], Awaitable[bool]] | None) -> None:
        self._task, self._beat = task, beat
        self._loop = asyncio.get_running_loop()
        self._logger: Any = None
        self.deadline = deadline
        self.cancelled = threading.Event()

    @property
    def execution_id(self) -> str:
        return self._task.execution_id

    @property
    def step(self) -> str:
        return self._task.step

    @property
    def visit(self) -> int:
        """The number of this stay in the step: another one each time round a loop."""
        return self._task.visit

    @property
    def attempt(self) -> int:
        """1 at first."""
        return self._task.attempt

    @property
    def idempotency_key(self) -> str:
        """The same whenever this attempt is handed out again: give it to whoever must not do a thing twice."""
        return self._task.id

    @property
    def correlation_id(self) -> str:
        return self._task.correlation_id

    @property
    def traceparent(self) -> str:
        return self._task.traceparent

    @property
    def logger(self) -> structlog.stdlib.BoundLogger:
        """A logger whose lines name the execution, the step and the attempt."""
        if self._logger is None:
            self._logger = _logger.bind(execution=self.execution_id, step=self.step, attempt=self.attempt)
        return cast(structlog.stdlib.BoundLogger, self._logger)

    async def heartbeat(self) -> None:
        """
        Tell the engine that the work goes on. A worker does so by itself; more often than that is seldom of use.

        Raises:
            TaskWithdrawn: the attempt is no longer wanted.

        """
        if self._beat is not None and not self.cancelled.is_set() and not await self._beat():
            self.cancelled.set()
        if self.cancelled.is_set():
            raise TaskWithdrawn(self.idempotency_key)

    def heartbeat_sync(self) -> None:
        """The same from a handler in a thread."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is None:
            asyncio.run_coroutine_threadsafe(self.heartbeat(), self._loop).result()
        elif self.cancelled.is_set():  # inline, on the loop itself: nothing can be awaited here
            raise TaskWithdrawn(self.idempotency_key)
