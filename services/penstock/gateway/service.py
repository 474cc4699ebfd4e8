"""The gateway as a service: the HTTP server, the reader of answers, the feed of tasks, the eye on the lag."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import structlog
import uvicorn

from penstock.gateway.app import create_app
from penstock.gateway.commander import Commander
from penstock.gateway.context import Context
from penstock.gateway.feed import TaskFeed
from penstock.gateway.settings import GatewaySettings
from penstock.log.port import Log, TopicMissing
from penstock.log.topics import COMMANDS
from penstock.runtime.clock import Clock, system_clock
from penstock.tables.pool import Pool

_logger = structlog.get_logger("penstock.gateway")


class Gateway:
    """
    A ``Service``. ``feed`` and ``commander`` are there for workers and callers in the same process.

    Raises:
        Unprotected: the address is open to others, and there is no API token.

    """

    name = "gateway"

    def __init__(
        self,
        log: Log,
        pool: Pool,
        *,
        partitions: int,
        settings: GatewaySettings | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.settings.check()
        self._log = log
        self.commander = Commander(log, partitions)
        self.feed = TaskFeed(
            log,
            self.commander,
            clock=clock,
            default_transport=self.settings.default_transport,
            lease=self.settings.lease,
            max_offers=self.settings.max_offers,
            answer_timeout=self.settings.answer_timeout,
        )
        self.context = Context(
            settings=self.settings, log=log, pool=pool, commander=self.commander, feed=self.feed, clock=clock
        )
        self._server = _Server(self._config())
        self._stopping = asyncio.Event()

    @classmethod
    async def open(
        cls, log: Log, pool: Pool, *, settings: GatewaySettings | None = None, clock: Clock = system_clock
    ) -> Gateway:
        """
        A gateway for as many partitions as the log has.

        Raises:
            TopicMissing: the topics were never made.

        """
        counts = await log.topics()
        if COMMANDS not in counts:
            raise TopicMissing(COMMANDS)
        return cls(log, pool, partitions=counts[COMMANDS], settings=settings, clock=clock)

    @property
    def url(self) -> str:
        """Where it listens, once it is ready; with port 0 the one that it was given."""
        port = self.settings.port
        for server in getattr(self._server, "servers", ()):
            for socket in server.sockets:
                port = socket.getsockname()[1]
        host = self.settings.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def run(self) -> None:
        """Serve until ``stop``. Long polls are answered early, what was begun is finished, offers go back."""
        parts = {
            asyncio.create_task(self.commander.run(), name="gateway-answers"),
            asyncio.create_task(self.feed.run(), name="gateway-feed"),
            asyncio.create_task(self.context.lag.run(), name="gateway-lag"),
        }
        serving = asyncio.create_task(self._server.serve(), name="gateway-http")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            done, _ = await asyncio.wait({*parts, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self.context.close()
            self._server.should_exit = True
            await asyncio.wait({serving})
            for task in (serving, *(done & parts)):
                task.result()
        finally:
            stopping.cancel()
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            await self.commander.close()
            await self.context.events.close()

    async def stop(self) -> None:
        self._stopping.set()

    def ready(self) -> bool:
        """Whether it listens, hears answers and serves the http queues."""
        return self._server.started and self.commander.listening() and self.feed.ready()

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            create_app(self.context),
            host=self.settings.host,
            port=self.settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=int(self.settings.drain),
        )


class _Server(uvicorn.Server):
    """Signals belong to the process, not to one of its services."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
