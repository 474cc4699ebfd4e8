"""``penstock serve`` and ``penstock worker``: the services, any few of them in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.execute import Code, Failed, execute
from penstock.cli.options import (
    Config,
    Host,
    Log,
    LogLevel,
    OperationsPort,
    Port,
    Prefix,
    Tables,
    Token,
    Url,
    examples,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "serve --log kafka://localhost:9092 --tables postgresql://localhost/app",
            "serve engine --log kafka://localhost:9092 --member engine-1 --operations-port 8401",
            "serve projector gateway --host 0.0.0.0 --config /etc/penstock.toml",
        )
    )(serve)
    app.command(
        epilog=examples(
            "worker shop.handlers",
            "worker shop.handlers mail.handlers --queue default --queue mail --concurrency 50",
            "worker ./handlers.py --log kafka://localhost:9092",
        )
    )(worker)


def serve(
    *,
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[engine] [projector] [gateway]", help="all of them, unless named")
    ] = None,
    member: Annotated[
        str | None, typer.Option("--member", metavar="NAME", help="a name that survives a restart of this process")
    ] = None,
    log: Log = None,
    tables: Tables = None,
    prefix: Prefix = None,
    host: Host = None,
    port: Port = None,
    operations_port: OperationsPort = None,
    api_token: Token = None,
    config: Config = None,
    log_level: LogLevel = None,
) -> None:
    """
    Run services until SIGTERM or Ctrl-C. More processes share the work; each service may run alone.

    Refuses to start where a topic is not as it has to be, and says which command mends it.
    """
    flags = {
        "member": member,
        "log": log,
        "tables": tables,
        "prefix": prefix,
        "host": host,
        "port": port,
        "operations_port": operations_port,
        "api_token": api_token,
        "config": config,
        "log_level": log_level,
    }
    execute(lambda: _serve(services or [], flags), serves=True)


async def _serve(names: Sequence[str], flags: dict[str, Any]) -> int:
    from penstock.cli.settings import load
    from penstock.standalone import PARTS, Standalone

    if unknown := set(names) - set(PARTS):
        raise Failed(f"expected {', '.join(PARTS)}, but got {', '.join(sorted(unknown))}", Code.USAGE)
    settings = load(flags, {"log_level": "info"})
    async with Standalone(settings, [part for part in PARTS if part in names or not names]) as standalone:
        return await standalone.run()


def worker(
    *,
    modules: Annotated[
        list[str], typer.Argument(metavar="MODULE...", help="modules (shop.handlers) or files (./handlers.py)")
    ],
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help="a queue to serve; those of the handlers, unless given")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="tasks at a time")] = 32,
    url: Url = None,
    api_token: Token = None,
    log: Log = None,
    prefix: Prefix = None,
    config: Config = None,
    log_level: LogLevel = None,
) -> None:
    """
    Run the handlers (functions with @task) of modules, until SIGTERM or Ctrl-C; what is under way is finished first.

    With --url tasks come from a gateway; with --log they come from the topics of the queues.
    """
    flags = {
        "url": url,
        "api_token": api_token,
        "log": log,
        "prefix": prefix,
        "config": config,
        "log_level": log_level,
    }
    execute(lambda: _worker(modules, queue or [], concurrency, flags), serves=True)


async def _worker(modules: Sequence[str], queues: Sequence[str], concurrency: int, flags: dict[str, Any]) -> int:
    from penstock.cli.settings import load
    from penstock.runtime.supervise import supervise
    from penstock.sdk.connect import transport_at
    from penstock.worker.service import WorkerService

    if flags["url"] and flags["log"]:
        raise Failed("expected --url (tasks of a gateway) or --log (tasks of its topics), but got both", Code.USAGE)
    settings = load(flags, {"log_level": "info"})
    # A log that is named anywhere wins, unless a flag asks for the gateway.
    source = settings.url if flags["url"] or settings.log is None else settings.log
    transport = transport_at(source, prefix=settings.prefix, api_token=settings.token)
    return await supervise([WorkerService(modules, transport, queues=queues, concurrency=concurrency)])
