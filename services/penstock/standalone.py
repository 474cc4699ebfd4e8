"""Puts services together in one process: a whole product on a laptop, or any few of them on a server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

from penstock.engine.metrics import EngineMetrics
from penstock.engine.service import Engine
from penstock.gateway.service import Gateway
from penstock.gateway.settings import GatewaySettings
from penstock.log.open import open_log
from penstock.log.port import Log, LogError, TopicSpec
from penstock.log.topics import COMMANDS, TASKS_CONTROL, dead_letters, product_topics, queue_topics, tasks_topic
from penstock.projector.metrics import ProjectorMetrics
from penstock.projector.service import Projector
from penstock.runtime.operations import Operations
from penstock.runtime.service import Service
from penstock.runtime.settings import DEV_LOG, LOG_FORMS, Settings, SettingsInvalid
from penstock.runtime.supervise import supervise
from penstock.runtime.telemetry import make_registry
from penstock.sdk.feed_transports import LocalTransport
from penstock.sdk.task import Handlers
from penstock.sdk.worker import Worker
from penstock.tables.embedded import start_embedded
from penstock.tables.pool import Pool, open_pool, schema_of

T = TypeVar("T")
Part: TypeAlias = Literal["engine", "projector", "gateway"]
PARTS: Final[tuple[Part, ...]] = ("engine", "projector", "gateway")
POSTGRES: Final = "postgres"
"""The folder of the embedded Postgres within ``Settings.data``."""


class TopicsWrong(LogError):
    """Topics are not as they have to be; one sentence for each, with what mends it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class AddressTaken(Exception):
    """Somebody else listens there already."""

    def __init__(self, settings: Settings, error: OSError) -> None:
        super().__init__(
            f"expected to listen on {settings.host}:{settings.port}, but {error.strerror or error}: "
            "stop whoever does, or give another --port"
        )


class Standalone:
    """
    The services ``parts`` on one log and one set of tables, from ``async with`` on; ``run`` makes them work.

    ``develop``: topics are created and an embedded Postgres is started where none is named. Without it, what is missing
    or wrong is refused. ``handlers`` work in this process, on the gateway's feed; they stop before it does.
    """

    def __init__(
        self, settings: Settings, parts: Collection[Part], *, develop: bool = False, handlers: Handlers | None = None
    ) -> None:
        self.settings, self.parts, self._develop, self._handlers = settings, frozenset(parts), develop, handlers
        self.services: list[Service] = []
        self._stack = AsyncExitStack()
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        """
        Raises:
            AddressTaken: the gateway cannot listen where it should.
            TopicsWrong: the topics are not as they have to be.
            SettingsInvalid: the log or the tables are not named.
            LogUnavailable, TablesUnavailable: nobody answers there.

        """
        try:
            if "gateway" in self.parts:
                _check_address(self.settings)
            self.log = await self._open_log()
            if self.parts & {"projector", "gateway"}:
                self._pool = await self._stack.enter_async_context(opened_tables(self.settings, develop=self._develop))
            for part in PARTS:
                if part in self.parts:
                    self.services.append(await self._make(part))
            if self.settings.operations_port is not None:
                self.services.append(self._operations(self.settings.operations_port))
            if self._handlers is not None:
                self.services.append(Worker(self._handlers, LocalTransport(self.gateway.feed)))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self, *others: Service, signals: bool = True) -> int:
        """Run the services, then ``others``, until a signal or until one of them ends; returns the exit code."""
        return await supervise([*self.services, *others], signals=signals)

    @property
    def pool(self) -> Pool:
        assert self._pool is not None, "expected the projector or the gateway to be among the parts"
        return self._pool

    def ready(self) -> bool:
        """The worker counts as ready with the gateway: it says so by itself only after its first long poll."""
        return all(service.ready() for service in self.services if not isinstance(service, Worker))

    async def until_ready(self) -> None:
        """Return when every service does its work; services tell it only to who asks."""
        while not self.ready():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def _open_log(self) -> Log:
        settings = self.settings
        if settings.log is None:
            raise SettingsInvalid(f"expected a log: give --log, or set PENSTOCK_LOG, to {LOG_FORMS}")
        log = await _whole(open_log(settings.log, settings.prefix), lambda log: log.close())
        self._stack.push_async_callback(log.close)
        wanted = await wanted_topics(log, settings)
        if self._develop:
            await log.apply(wanted)
        if problems := await log.check(wanted):
            raise TopicsWrong(problems)
        return log

    def _operations(self, port: int) -> Operations:
        registry = make_registry()
        for service in self.services:
            if isinstance(service, Engine):
                registry.register(EngineMetrics(service))
            elif isinstance(service, Projector):
                registry.register(ProjectorMetrics(service.counts))
        return Operations(self.services, registry, self.settings.host, port)

    async def _make(self, part: Part) -> Service:
        settings = self.settings
        match part:
            case "engine":
                return Engine(
                    self.log, group=settings.group, member=settings.member, default_transport=settings.transport
                )
            case "projector":
                return Projector(self.log, self.pool, member=settings.member)
            case "gateway":
                self.gateway = await Gateway.open(self.log, self.pool, settings=gateway_settings(settings))
                return self.gateway


def _check_address(settings: Settings) -> None:
    """Before anything is started: the server itself finds out only when all the rest runs already."""
    gateway_settings(settings).check()
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise AddressTaken(settings, error) from error


def gateway_settings(settings: Settings) -> GatewaySettings:
    return GatewaySettings(
        host=settings.host,
        port=settings.port,
        token=settings.token,
        allow_unprotected=settings.allow_unprotected,
        default_transport=settings.transport,
    )


async def wanted_topics(log: Log, settings: Settings) -> tuple[TopicSpec, ...]:
    """The topics of the product and of every queue, with as many partitions as the commands already have."""
    existing = await log.topics()
    partitions = existing.get(COMMANDS, settings.partitions)
    known = product_topics(partitions)
    names = {spec.name for spec in known}
    queues = [name.removeprefix(tasks_topic("")) for name in existing if name.startswith(tasks_topic(""))]
    more = [
        spec
        for queue in sorted(queues)
        if tasks_topic(queue) not in names
        and not queue.endswith(dead_letters(""))
        and tasks_topic(queue) != TASKS_CONTROL
        for spec in queue_topics(queue, partitions)
    ]
    return (*known, *more)


@asynccontextmanager
async def opened_tables(settings: Settings, *, develop: bool = False, read_only: bool = False) -> AsyncIterator[Pool]:
    """
    The tables that the settings name, else those that `penstock dev` keeps beside its log (``develop`` makes them).

    Raises:
        SettingsInvalid: none are named, and there is no such folder.
        EmbeddedMissing: the embedded Postgres is needed and not installed.
        TablesUnavailable: nobody answers there.

    """
    folder = settings.data / POSTGRES
    async with AsyncExitStack() as stack:
        dsn = settings.tables
        if dsn is None:
            if not develop and not await asyncio.to_thread(_is_of, settings, folder):
                raise SettingsInvalid("expected a Postgres: give --tables, or set PENSTOCK_TABLES, to postgresql://...")
            dsn = await _embedded(folder, stack)
        pool = await open_pool(dsn, schema=schema_of(settings.prefix), read_only=read_only)
        stack.push_async_callback(pool.close)
        yield pool


def _is_of(settings: Settings, folder: Path) -> bool:
    """Whether these tables are filled from this very log: both are those of `penstock dev`."""
    return folder.is_dir() and settings.log == f"sqlite:{settings.data / DEV_LOG}"


async def _embedded(folder: Path, stack: AsyncExitStack) -> str:
    server = await _whole(start_embedded(folder), lambda server: server.stop())
    stack.push_async_callback(server.stop)
    return server.dsn


async def _whole(opening: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[None]]) -> T:
    """
    What ``opening`` gives, whole or not at all: it works in threads, which go on when somebody gives up on them, and
    would leave a server or a file behind.
    """
    task = asyncio.create_task(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await undo(await task)
        raise
