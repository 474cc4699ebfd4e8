"""``penstock dev``: the whole product in one process, with the definitions and the handlers of a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.definitions import checked_sources
from penstock.cli.execute import execute, say
from penstock.cli.options import Config, Host, Log, LogLevel, Port, Tables, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.sdk.task import Handler
    from penstock.standalone import Standalone


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("dev", "dev ./flows", "dev ./flows --port 0 --data /tmp/penstock"))(dev)


def dev(
    *,
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="folder with definitions and handlers")] = Path(),
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="where log and tables are kept [DIR/.penstock]")
    ] = None,
    log: Log = None,
    tables: Tables = None,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    log_level: LogLevel = None,
) -> None:
    """
    Run everything on this machine: no broker, no server to install. Ctrl-C ends it; the data stays.

    Publishes the definitions (*.yaml, *.json) of DIR and runs the handlers (functions with @task in *.py).
    """
    flags = {
        "data": data,
        "log": log,
        "tables": tables,
        "host": host,
        "port": port,
        "config": config,
        "log_level": log_level,
    }
    if not folder.is_dir():
        raise typer.BadParameter(f"expected a folder at {folder}, but there is none")
    execute(lambda: _dev(folder, flags), serves=True)


async def _dev(folder: Path, flags: dict[str, Any]) -> int:
    from penstock.cli.settings import load
    from penstock.runtime.settings import DEV_FOLDER, DEV_LOG
    from penstock.standalone import PARTS, Standalone

    data = flags["data"] or folder / DEV_FOLDER
    defaults = {
        "data": data,
        "log": f"sqlite:{data / DEV_LOG}",
        "partitions": 1,
        "transport": "http",
    }
    settings = load(flags, defaults)
    sources = [source for _, source in checked_sources([folder])]
    handlers = _handlers(folder)
    settings.data.mkdir(parents=True, exist_ok=True)
    async with Standalone(settings, PARTS, develop=True, handlers=handlers or None) as standalone:
        return await standalone.run(_Greeting(standalone, sources, handlers))


def _handlers(folder: Path) -> Sequence[Handler]:
    from penstock.worker.modules import load_handlers

    if any(file for file in folder.glob("*.py") if not file.name.startswith(("_", "test_"))):
        return load_handlers([folder])
    return ()


class _Greeting:
    """Publishes the definitions as soon as everything works, says where everything is, and waits for the end."""

    name = "dev"

    def __init__(self, standalone: Standalone, sources: Sequence[dict[str, Any]], handlers: Sequence[Handler]) -> None:
        self._standalone, self._sources, self._handlers = standalone, sources, handlers
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        return self._standalone.ready()

    async def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        greeting = asyncio.create_task(self._greet())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({greeting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            greeting.result()
        await stopping
        greeting.cancel()
        await asyncio.wait({greeting})

    async def _greet(self) -> None:
        await self._standalone.until_ready()
        published = await self._publish()
        settings, url = self._standalone.settings, self._standalone.gateway.url
        lines = {
            "API": f"{url}/api/v1",
            "docs": f"{url}/docs",
            "log": settings.log,
            "tables": settings.tables or f"embedded Postgres in {settings.data}",
            "handlers": ", ".join(sorted(handler.type for handler in self._handlers)) or "none (put @task in *.py)",
            "published": ", ".join(published) or "none (put definitions in *.yaml)",
        }
        print("\n".join(f"{name:<10} {value}" for name, value in lines.items()))
        print("ready; Ctrl-C stops it, the data stays", flush=True)

    async def _publish(self) -> list[str]:
        from penstock.sdk.client import Client
        from penstock.sdk.refusals import Rejected

        published = []
        async with Client(self._standalone.gateway.url, self._standalone.settings.token, by="dev") as client:
            for source in self._sources:
                name = f"{source['id']} {source['version']}"
                try:
                    await client.publish(source)
                except Rejected as refusal:
                    say(f"{name}: {refusal}")
                else:
                    published.append(name)
        return published
