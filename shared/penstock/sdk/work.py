"""One delivery on its way through the worker: call its handler, in time, and say what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from penstock.domain.errors import Failure
from penstock.messages.records import Task
from penstock.runtime.supervise import Raised, outcome_of, outcome_of_call
from penstock.sdk.context import TaskContext
from penstock.sdk.failures import failure_of, timed_out
from penstock.sdk.inputs import InputInvalid
from penstock.sdk.outputs import OutputInvalid, output_of
from penstock.sdk.task import Handler
from penstock.sdk.threads import Threads
from penstock.sdk.transport import Channel, Delivery


class Work:
    """``unwanted``: report nothing. ``handed_back``: somebody else is to do it."""

    __slots__ = ("channel", "context", "delivery", "handed_back", "handler", "runner", "unwanted")

    def __init__(self, delivery: Delivery, channel: Channel, handler: Handler) -> None:
        self.delivery, self.channel, self.handler = delivery, channel, handler
        self.context: TaskContext | None = None
        self.runner: asyncio.Task[Any] | None = None
        self.unwanted = self.handed_back = False

    def withdraw(self) -> None:
        """Stop it if it can be stopped; whatever it gives is dropped."""
        self.unwanted = True
        if self.context is not None:
            self.context.cancelled.set()
        runs_in_thread = not (self.handler.is_async or self.handler.inline)
        if self.runner is not None and self.runner is not asyncio.current_task() and not runs_in_thread:
            self.runner.cancel()

    def hand_back(self) -> None:
        """Stop it, so that somebody else can begin."""
        self.handed_back = True
        if self.context is not None:
            self.context.cancelled.set()
        if self.runner is not None:
            self.runner.cancel()


def arguments_of(handler: Handler, task: Task, context: TaskContext | None) -> dict[str, Any] | Failure:
    """The arguments of the handler's call, or why there are none."""
    inputs = handler.inputs
    arguments = outcome_of_call(inputs.arguments, {"value": task.input})
    if isinstance(arguments, Raised):  # a model's own checks are foreign code: they may raise anything
        return arguments.error.failure if isinstance(arguments.error, InputInvalid) else failure_of(arguments.error)
    if inputs.context is not None:
        arguments[inputs.context] = context
    return arguments


async def call(handler: Handler, arguments: dict[str, Any], limit: float | None) -> Any | Raised | Failure:
    """What an async or inline handler gives or raises; a Failure where it was late."""
    if not handler.is_async:
        return outcome_of_call(handler.function, arguments)
    running = outcome_of(handler.function(**arguments))
    if limit is None:
        return await running
    deadline = asyncio.get_running_loop().time() + limit
    try:
        waits_for = running.send(None)
    except StopIteration as done:
        return done.value  # it never waited: the timer would have been most of the cost
    try:
        async with asyncio.timeout_at(deadline) as timer:
            outcome = await _Begun(running, waits_for)
    except TimeoutError:
        return timed_out(limit)
    return timed_out(limit) if timer.expired() else outcome


class _Begun(Generator[Any, Any, Any]):
    """What is left of a coroutine that was taken to its first wait by hand, to be awaited."""

    def __init__(self, running: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._running, self._waits_for = running, waits_for
        self._told = False

    def __await__(self) -> Generator[Any, Any, Any]:
        return self

    def send(self, value: Any) -> Any:
        if not self._told:
            self._told = True
            return self._waits_for
        return self._running.send(value)

    def throw(self, *error: Any) -> Any:
        return self._running.throw(*error)

    def close(self) -> None:
        self._running.close()


async def call_in_thread(
    threads: Threads, handler: Handler, arguments: dict[str, Any], limit: float | None
) -> tuple[Any | Raised | Failure, asyncio.Future[Any] | None]:
    """The same for a sync handler, with the call that still runs where it was late: nobody can stop it."""
    running = threads.call(handler.function, arguments)
    done, _ = await asyncio.wait({running}, timeout=limit)
    if done:
        return running.result(), None
    assert limit is not None
    return timed_out(limit), running


def result_of(outcome: Any) -> Any | Failure:
    """What is reported of the outcome of a call."""
    if isinstance(outcome, Failure):
        return outcome
    if isinstance(outcome, Raised):
        return failure_of(outcome.error)
    output = outcome_of_call(output_of, {"value": outcome})
    if isinstance(output, Raised):
        return output.error.failure if isinstance(output.error, OutputInvalid) else failure_of(output.error)
    return output
