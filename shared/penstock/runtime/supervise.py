"""
Runs what may fall without taking others along: services side by side (the first that falls stops the rest, in order,
and says why), and code that is not ours, whose errors become values. The one place of broad catches (house style §9).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from penstock.runtime.service import Service

_logger = structlog.get_logger("penstock.supervise")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Raised:
    """What foreign code raised, as a value."""

    error: BaseException


async def outcome_of(awaitable: Awaitable[T]) -> T | Raised:
    """What ``awaitable`` gives, or what it raised. Cancellation passes through; an attempt to exit does not."""
    try:
        return await awaitable
    except (Exception, SystemExit) as error:  # noqa: BLE001 - here, and nowhere else
        return Raised(error)


def outcome_of_call(call: Callable[..., T], arguments: Mapping[str, Any]) -> T | Raised:
    """The same for a function that is not asynchronous."""
    try:
        return call(**arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - here, and nowhere else
        return Raised(error)


async def supervise(services: Sequence[Service], *, signals: bool = True) -> int:
    """
    Run ``services`` until SIGTERM, SIGINT, or until one of them ends; then stop the rest, last started first.

    Returns the exit code of the process: 0 after an orderly stop, 1 when a service failed (logged with its cause).
    """
    stop = asyncio.Event()
    if signals:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    tasks = {asyncio.create_task(service.run(), name=service.name): service for service in services}
    waiter = asyncio.create_task(stop.wait(), name="signals")
    await asyncio.wait({*tasks, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    for task, service in reversed(tasks.items()):
        if not task.done():
            await service.stop()
            await asyncio.wait({task})
    return _outcome(tasks)


def _outcome(tasks: dict[asyncio.Task[None], Service]) -> int:
    code = 0
    for task, service in tasks.items():
        with contextlib.suppress(asyncio.CancelledError):
            if error := task.exception():
                _logger.error("service failed", service=service.name, error=str(error), exc_info=error)
                code = 1
    return code
