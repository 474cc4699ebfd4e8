"""``penstock operation``: one change of many executions, through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from penstock.cli.execute import Code, execute, say
from penstock.cli.given import json_of
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.client import Client
    from penstock.sdk.operation_calls import Operation

app = typer.Typer(no_args_is_help=True, help="Change many executions at once.")

Id: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="id of the operation")]
Action: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="ACTION",
        help="pause, resume, cancel, terminate, retry, migrate, cancel_step, complete_step, skip_step, rerun_step,"
        " set_variables",
    ),
]
Arguments: TypeAlias = Annotated[
    str, typer.Option("--arguments", "-a", metavar="JSON|@FILE|-", help="of the action, as its command has them")
]
Statuses: TypeAlias = Annotated[
    list[str] | None, typer.Option("--status", metavar="STATUS", help="may be repeated [all that have not ended]")
]
OwnId: TypeAlias = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="the same id is the same operation [a new one]")
]
_LOOK_EVERY: Final = 0.5
_CHANGES: Final = {
    "pause": "Ask no further executions until it is resumed.",
    "resume": "Go on after a pause.",
    "cancel": "Ask no further executions, for good. What was asked stays done.",
}


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(
        app,
        name="operation",
        epilog=examples("operation start pause --definition order-approval --dry-run", "operation show 0192e4c1-..."),
    )
    for name, sentence in _CHANGES.items():
        _add_change(name, sentence)


@app.command(
    epilog=examples(
        "operation start retry --definition order-approval --status failed --dry-run",
        "operation start retry --definition order-approval --status failed",
        'operation start migrate --arguments \'{"version": "1.1.0"}\' --definition parcels --version 1.0.0',
    )
)
def start(
    *,
    action: Action,
    arguments: Arguments = "{}",
    status: Statuses = None,
    definition: Annotated[str | None, typer.Option("--definition", "-d", metavar="ID")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="VERSION")] = None,
    business_key: Annotated[str | None, typer.Option("--business-key", metavar="KEY")] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG")] = None,
    started_before: Annotated[datetime | None, typer.Option("--started-before", metavar="TIME", help="in UTC")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell which executions it would be")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="stay until everybody has answered")] = True,
    id_: OwnId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """
    Give one command to all executions that fit, and count every answer.

    Each gets it only if it still has one of the statuses that were asked for. Exit code 1 if one refused.
    """
    wanted = {
        "status": status or None,
        "definition": definition,
        "version": version,
        "business_key": business_key,
        "tag": tag,
        "started_before": None if started_before is None else f"{started_before.isoformat()}Z",
    }
    said = (action, json_of(arguments, "--arguments"), wanted)
    flags = {"url": url, "api_token": api_token, "config": config}
    if dry_run:
        execute(lambda: _try(said, json, flags))
    execute(lambda: _start(said, id_, wait, json, flags))


@app.command(epilog=examples("operation show 0192e4c1-...", "operation show 0192e4c1-... --json | jq .codes"))
def show(*, id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """Show how far an operation is, and who refused."""
    execute(lambda: _show(id_, json, {"url": url, "api_token": api_token, "config": config}))


@app.command("list", epilog=examples("operation list", "operation list --json"))
def list_(*, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """List operations, the latest first."""
    execute(lambda: _list(json, {"url": url, "api_token": api_token, "config": config}))


def _add_change(name: str, sentence: str) -> None:
    def change(*, id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
        execute(lambda: _change(name, id_, json, {"url": url, "api_token": api_token, "config": config}))

    app.command(name, help=sentence, epilog=examples(f"operation {name} 0192e4c1-..."))(change)


_Said: TypeAlias = tuple[str, Any, Mapping[str, Any]]


async def _try(said: _Said, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    action, arguments, wanted = said
    async with client_of(flags) as client:
        found = await client.try_operation(action, arguments, **wanted)
    if json:
        print_json(found)
        return Code.OK
    for execution in found.executions:
        print(execution)
    say(f"{action}: {found.count} executions as of {found.tokens}; nothing is changed")
    return Code.OK


async def _start(said: _Said, id_: str | None, wait: bool, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    action, arguments, wanted = said
    async with client_of(flags) as client:
        receipt = await client.start_operation(action, arguments, id=id_, **wanted)
        if not wait:
            print_json(receipt) if json else print(receipt.id)
            return Code.OK
        ended = await _followed(client, receipt.id, receipt.token)
    _print(ended, json)
    return Code.FAILED if ended.refused else Code.OK


async def _followed(client: Client, id_: str, token: str) -> Operation:
    """The operation when it is over; how far it is goes to standard error."""
    before: tuple[int, int] | None = None
    while True:
        found = await client.operation(id_, min_token=token)
        if found.ended:
            return found
        now = (found.accepted, found.refused)
        if now != before:
            say(f"{id_}: {found.accepted + found.refused} of {found.total} have answered, {found.refused} refused")
        before = now
        await asyncio.sleep(_LOOK_EVERY)


async def _show(id_: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of

    async with client_of(flags) as client:
        found = await client.operation(id_)
    _print(found, json)
    return Code.OK


async def _list(json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    async with client_of(flags) as client:
        found = [item async for item in client.operations()]
    if json:
        print_json(found)
        return Code.OK
    rows: Sequence[Sequence[Any]] = [
        (o.id, o.action, o.status, o.total, o.accepted, o.refused, o.started_at, o.started_by) for o in found
    ]
    print_table(("id", "action", "status", "total", "accepted", "refused", "started", "by"), rows, none="no operations")
    return Code.OK


async def _change(name: str, id_: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    async with client_of(flags) as client:
        receipt = await getattr(client, f"{name}_operation")(id_)
    print_json(receipt) if json else print(f"{name}: {id_}")
    return Code.OK


def _print(found: Operation, json: bool) -> None:
    from penstock.cli.screen import fields_of, print_fields, print_json

    print_json(found) if json else print_fields(fields_of(found))
