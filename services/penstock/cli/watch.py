"""``penstock watch``: follows one execution event by event, or all of them as a table that keeps itself up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.execute import Code, execute
from penstock.cli.executions import COLUMNS, event_row, row_of
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.client import Client
    from penstock.sdk.executions import Execution as Record
    from penstock.sdk.executions import Occurrence


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "watch 0192e4c1-...", "watch 0192e4c1-... --json | jq -r .type", "watch --status running --interval 2"
        )
    )(watch)


def watch(
    *,
    execution: Annotated[str | None, typer.Argument(metavar="[EXECUTION]", help="all of them, unless named")] = None,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help="only these (without EXECUTION)")] = None,
    interval: Annotated[float, typer.Option("--interval", min=0.1, metavar="SECONDS", help="between two looks")] = 0.5,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """
    Follow an execution until it ends or fails (exit code 1 unless it completes), or all executions until Ctrl-C.

    With --json: an event, or an execution that changed, on each line.
    """
    flags = {"url": url, "api_token": api_token, "config": config}
    if execution is not None:
        execute(lambda: _watch_one(execution, interval, json, flags))
    execute(lambda: _watch_all(status, interval, json, flags))


async def _watch_one(execution: str, interval: float, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json_line

    seen = 0
    async with client_of(flags) as client:
        while True:
            # Before the events: what is at rest by now has all of them in the timeline.
            state = await client.get(execution)
            async for event in client.timeline(execution):
                if event.sequence > seen:
                    seen = event.sequence
                    print_json_line(event) if json else _print_event(event)
            if state.ended:
                return Code.OK if state.status == "completed" else Code.FAILED
            await asyncio.sleep(interval)


def _print_event(event: Occurrence) -> None:
    from penstock.cli.screen import COLOURS, console, moment, plain

    number, time, name, told = event_row(event)
    line = f"{number:>5}  {moment(time)}  {name:<22} {plain(told)}"
    console().print(line, style=COLOURS.get(event.data.get("status", "")), markup=False)


async def _watch_all(status: list[str] | None, interval: float, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import console

    async with client_of(flags) as client:
        if json or not console().is_terminal:
            await _print_changes(client, status, interval, json)
        await _keep_table(client, status, interval)
    return Code.OK


async def _print_changes(client: Client, status: list[str] | None, interval: float, json: bool) -> None:
    from penstock.cli.screen import cell_text, print_json_line

    seen: dict[str, Any] = {}
    while True:
        for item in reversed(await _latest(client, status, 200)):
            if seen.get(item.id) == (item.status, item.updated_at):
                continue
            seen[item.id] = (item.status, item.updated_at)
            if json:
                print_json_line(item)
            else:
                print("  ".join(cell_text(cell) for cell in row_of(item)), flush=True)
        await asyncio.sleep(interval)


async def _latest(client: Client, status: list[str] | None, limit: int) -> list[Record]:
    found: list[Record] = []
    async for item in client.list(status=status, page=limit):
        found.append(item)
        if len(found) == limit:
            break
    return found


async def _keep_table(client: Client, status: list[str] | None, interval: float) -> None:
    from rich.live import Live

    from penstock.cli.screen import console, table_of

    screen = console()
    with Live(console=screen, screen=True, auto_refresh=False) as live:
        while True:
            items = await _latest(client, status, max(1, screen.height - 4))
            live.update(table_of(COLUMNS, [row_of(item) for item in items]), refresh=True)
            await asyncio.sleep(interval)
