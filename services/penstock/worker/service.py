"""The worker as a service: handlers from modules, tasks by one transport."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penstock.sdk.transport import Transport
from penstock.sdk.worker import Worker
from penstock.worker.modules import load_handlers


class WorkerService:
    """``options`` are those of ``Worker``: identity, queues, concurrency, threads, grace."""

    name = "worker"

    def __init__(self, places: Sequence[str | Path], transport: Transport | str, **options: Any) -> None:
        """
        Raises:
            ModuleInvalid: a module cannot be loaded, or holds no handler.

        """
        self.handlers = load_handlers(places)
        self._worker = Worker(self.handlers, transport, **options)

    async def run(self) -> None:
        await self._worker.run()

    async def stop(self) -> None:
        await self._worker.stop()

    def ready(self) -> bool:
        return self._worker.ready()
