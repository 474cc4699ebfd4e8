"""``penstock dev``: the whole product in one process, with the definitions and the handlers of a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.definitions import checked_sources
from penstock.cli.execute import Code, Failed, execute, say
from penstock.cli.options import Config, Host, Log, LogLevel, Port, Tables, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.runtime.settings import Settings
    from penstock.standalone import Standalone


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("dev", "dev ./flows", "dev ./flows --port 0 --data /tmp/penstock"))(dev)


def dev(
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
    execute(lambda: _dev(folder, flags))


async def _dev(folder: Path, flags: dict[str, Any]) -> int:
    from penstock.runtime.settings import DEV_FOLDER, DEV_LOG, load_settings
    from penstock.runtime.telemetry import set_up_logging
    from penstock.standalone import PARTS, Standalone

    if not folder.is_dir():
        raise Failed(f"expected a folder at {folder}, but there is none", Code.USAGE)
    data = flags["data"] or folder / DEV_FOLDER
    defaults = {
        "data": data,
        "log": f"sqlite:{data / DEV_LOG}",
        "partitions": 1,
        "transport": "http",
        "log_level": "warning",
    }
    settings = load_settings(flags, defaults=defaults)
    set_up_logging(settings.log_level, settings.log_format)
    sources = [source for _, source in checked_sources([folder])]
    settings.data.mkdir(parents=True, exist_ok=True)
    async with Standalone(settings, PARTS, develop=True) as standalone:
        return await standalone.run()
