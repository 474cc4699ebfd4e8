"""``penstock schedule``: what starts executions by the clock, through the gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from penstock.cli.execute import Code, execute
from penstock.cli.given import json_of
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.client import Client
    from penstock.sdk.executions import Receipt
    from penstock.sdk.schedule_calls import Schedule

app = typer.Typer(no_args_is_help=True, help="Start executions by the clock.")

Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="id of the schedule")]
_CHANGES: Final = {
    "pause": "Start nothing until it is resumed.",
    "resume": "Go on; ticks of the pause are made good as --catch-up says.",
    "trigger": "Start one execution now, beside the ticks.",
    "delete": "Take a schedule away; its history stays.",
}


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(
        app,
        name="schedule",
        epilog=examples(
            'schedule create nightly --definition report --cron "0 3 * * *" --timezone Europe/Berlin', "schedule list"
        ),
    )
    for name, sentence in _CHANGES.items():
        _add_change(name, sentence)


@app.command(
    epilog=examples(
        'schedule create nightly --definition report --cron "0 3 * * *" --timezone Europe/Berlin',
        'schedule create often --definition ping --every 30 --catch-up none --input \'{"at": "{{ due }}"}\'',
    )
)
def create(
    *,
    id_: Id,
    definition: Annotated[str, typer.Option("--definition", "-d", metavar="ID", help="what it starts")],
    cron: Annotated[
        str | None, typer.Option("--cron", metavar="EXPRESSION", help="minute hour day month weekday")
    ] = None,
    every: Annotated[float | None, typer.Option("--every", metavar="SECONDS", help="instead of --cron")] = None,
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="where --cron counts")] = "UTC",
    catch_up: Annotated[
        str, typer.Option("--catch-up", metavar="none|one|all", help="how many missed ticks are made good")
    ] = "one",
    input_: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE|-", help="template of the input; it sees `due`")
    ] = "null",
    business_key: Annotated[str | None, typer.Option("--business-key", metavar="TEXT", help="a template too")] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="VERSION", help="[the latest active one at each tick]")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="begin paused")] = False,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Make a schedule, or change the one that has the id. The same again changes nothing."""
    said = {
        "cron": cron,
        "every": every,
        "timezone": timezone,
        "catch_up": catch_up,
        "input": json_of(input_, "--input"),
        "business_key": business_key,
        "version": version,
        "paused": paused,
    }
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _asked(lambda client: client.put_schedule(id_, definition, **said), "created", json, flags))


@app.command("list", epilog=examples("schedule list", "schedule list --definition report --json"))
def list_(
    *,
    definition: Annotated[str | None, typer.Option("--definition", "-d", metavar="ID", help="only of this one")] = None,
    status: Annotated[str | None, typer.Option("--status", metavar="active|paused|deleted")] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """List schedules, those that definitions made by their triggers too."""
    if status not in (None, "active", "paused", "deleted"):
        raise typer.BadParameter("expected active, paused or deleted")
    execute(lambda: _list(definition, status, json, {"url": url, "api_token": api_token, "config": config}))


@app.command(epilog=examples("schedule show nightly", "schedule show nightly --json | jq .next_due_at"))
def show(*, id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """Show a schedule: when it is due next, and what it started last."""
    execute(lambda: _show(id_, json, {"url": url, "api_token": api_token, "config": config}))


def _add_change(name: str, sentence: str) -> None:
    def change(*, id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
        flags = {"url": url, "api_token": api_token, "config": config}
        execute(lambda: _asked(lambda client: getattr(client, f"{name}_schedule")(id_), name, json, flags))

    app.command(name, help=sentence, epilog=examples(f"schedule {name} nightly"))(change)


async def _asked(call: Callable[[Client], Awaitable[Receipt]], done: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    async with client_of(flags) as client:
        receipt = await call(client)
    print_json(receipt) if json else print(f"{done}: {receipt.id}")
    return Code.OK


async def _list(definition: str | None, status: str | None, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    async with client_of(flags) as client:
        found = [item async for item in client.schedules(definition=definition, status=status)]
    if json:
        print_json(found)
        return Code.OK
    rows = [(s.id, s.status, s.definition, _times(s), s.next_due_at, s.fired, s.last_problem) for s in found]
    print_table(("id", "status", "definition", "times", "next", "fired", "problem"), rows, none="no schedules")
    return Code.OK


async def _show(id_: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import fields_of, print_fields, print_json

    async with client_of(flags) as client:
        found = await client.schedule(id_)
    print_json(found) if json else print_fields(fields_of(found))
    return Code.OK


def _times(schedule: Schedule) -> str:
    if schedule.every is not None:
        return f"every {schedule.every:g} s"
    return f"{schedule.cron} ({schedule.timezone})"
