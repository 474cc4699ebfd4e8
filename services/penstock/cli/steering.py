"""``penstock execution``: what people can do to one execution and its steps (semantics §13), through the gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from penstock.cli.execute import Code, Failed, execute
from penstock.cli.given import json_of
from penstock.cli.options import Config, Execution, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.client import Client
    from penstock.sdk.executions import Migration, Receipt

app = typer.Typer(no_args_is_help=True, help="Steer one execution and its steps, and look into it.")

Step: TypeAlias = Annotated[str, typer.Argument(metavar="STEP", help="id of the step")]
Visit: TypeAlias = Annotated[
    int | None, typer.Option("--visit", metavar="NUMBER", min=1, help="only this visit [all that are open]")
]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="kept in the history")]
CommandId: TypeAlias = Annotated[
    str | None,
    typer.Option("--command-id", metavar="ID", help="the same command with the same id is done once [a new one]"),
]
_Call: TypeAlias = "Callable[[Client], Awaitable[Receipt]]"


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(
        app,
        name="execution",
        epilog=examples(
            "execution complete-step 0192e4c1-... charge --output '{\"paid\": 20}'",
            "execution migrate 0192e4c1-... 1.1.0 --dry-run",
        ),
    )


@app.command(
    epilog=examples("execution cancel-step 0192e4c1-... charge", "execution cancel-step 0192e4c1-... charge --visit 7")
)
def cancel_step(
    *,
    execution: Execution,
    step: Step,
    reason: Reason = "",
    visit: Visit = None,
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Withdraw the open visits of a step: each fails with STEP_CANCELLED, which the definition may catch."""
    _run(
        lambda client: client.cancel_step(execution, step, reason, visit=visit, command_id=command_id),
        json,
        _flags(url, api_token, config),
    )


@app.command(
    epilog=examples(
        "execution complete-step 0192e4c1-... charge --output '{\"paid\": 20}'",
        "execution complete-step 0192e4c1-... charge --output @receipt.json --command-id ticket-4711",
    )
)
def complete_step(
    *,
    execution: Execution,
    step: Step,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="JSON|@FILE|-", help="as a worker would have given it")
    ] = "null",
    visit: Visit = None,
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Complete an open or failed step by hand."""

    async def call(client: Client) -> Receipt:
        given = json_of(output, "--output")
        return await client.complete_step(execution, step, given, visit=visit, command_id=command_id)

    _run(call, json, _flags(url, api_token, config))


@app.command(epilog=examples('execution skip-step 0192e4c1-... remind --reason "called instead"'))
def skip_step(
    *,
    execution: Execution,
    step: Step,
    reason: Reason = "",
    visit: Visit = None,
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Leave an open or failed step without an output, by its ordinary way out."""
    _run(
        lambda client: client.skip_step(execution, step, reason, visit=visit, command_id=command_id),
        json,
        _flags(url, api_token, config),
    )


@app.command(epilog=examples("execution rerun 0192e4c1-... check"))
def rerun(
    *,
    execution: Execution,
    step: Step,
    reason: Reason = "",
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Withdraw everything in the scope of a step, and enter that step."""
    _run(
        lambda client: client.rerun_step(execution, step, reason, command_id=command_id),
        json,
        _flags(url, api_token, config),
    )


@app.command("set", epilog=examples("execution set 0192e4c1-... limit=500 name=Ann 'items=[1, 2]'"))
def set_(
    *,
    execution: Execution,
    values: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="JSON, or text as it is")],
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Change variables of an execution."""

    async def call(client: Client) -> Receipt:
        return await client.set_variables(execution, dict(map(_assignment, values)), command_id=command_id)

    _run(call, json, _flags(url, api_token, config))


@app.command(
    epilog=examples('execution add-task 0192e4c1-... call-the-customer call --queue people --input \'{"tel": "110"}\'')
)
def add_task(
    *,
    execution: Execution,
    name: Annotated[str, typer.Argument(metavar="NAME", help="its output is kept as steps.NAME")],
    task: Annotated[str, typer.Argument(metavar="TYPE", help="type of task")],
    queue: Annotated[str, typer.Option("--queue", "-q", metavar="QUEUE", help="whose workers do it")] = "default",
    input_: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE|-", help="the input of the task")
    ] = "null",
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Offer a task that the definition does not know; the execution waits for it."""

    async def call(client: Client) -> Receipt:
        given = json_of(input_, "--input")
        return await client.add_task(execution, name, task, given, queue=queue, command_id=command_id)

    _run(call, json, _flags(url, api_token, config))


@app.command(epilog=examples('execution add-items 0192e4c1-... reviews \'["ann", "ben"]\''))
def add_items(
    *,
    execution: Execution,
    step: Step,
    items: Annotated[str, typer.Argument(metavar="JSON|@FILE|-", help="a list")],
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Add items to a for-each that has not been left."""

    async def call(client: Client) -> Receipt:
        given = json_of(items, "ITEMS", "a JSON list, in [ ]")
        if not isinstance(given, list):
            raise Failed("ITEMS: expected a JSON list, in [ ]", Code.USAGE)
        return await client.add_items(execution, step, given, command_id=command_id)

    _run(call, json, _flags(url, api_token, config))


@app.command(epilog=examples("execution start-step 0192e4c1-... change_address"))
def start_step(
    *,
    execution: Execution,
    step: Step,
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Start a step that an open one offers at this moment."""
    _run(lambda client: client.start_step(execution, step, command_id=command_id), json, _flags(url, api_token, config))


@app.command(
    epilog=examples("execution migrate 0192e4c1-... 1.1.0 --dry-run", "execution migrate 0192e4c1-... 1.1.0 --json")
)
def migrate(
    *,
    execution: Execution,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="a published version of the same definition")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only say what stands in the way; exit code 1 if something does")
    ] = False,
    command_id: CommandId = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Put an execution on another version, in which every open step and token has its place."""
    flags = _flags(url, api_token, config)

    async def body() -> int:
        from penstock.cli.gateway import client_of

        async with client_of(flags) as client:
            return _print_migration(
                await client.migrate(execution, version, dry_run=dry_run, command_id=command_id), dry_run, json
            )

    execute(body)


@app.command(epilog=examples("execution variables 0192e4c1-...", "execution variables 0192e4c1-... --json | jq '.[]'"))
def variables(
    *, execution: Execution, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None
) -> None:
    """Show the variables of an execution, those of its open blocks and copies too."""
    execute(lambda: _variables(execution, json, _flags(url, api_token, config)))


@app.command(epilog=examples("execution progress 0192e4c1-...", "execution progress 0192e4c1-... --json"))
def progress(
    *, execution: Execution, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None
) -> None:
    """Show how far an execution has come, as an estimate."""
    execute(lambda: _progress(execution, json, _flags(url, api_token, config)))


def _flags(url: str | None, api_token: str | None, config: Any) -> Mapping[str, Any]:
    return {"url": url, "api_token": api_token, "config": config}


def _run(call: _Call, json: bool, flags: Mapping[str, Any]) -> None:
    """Ask, and print what was answered; a refusal is exit code 4, with its code and sentence."""

    async def body() -> int:
        from penstock.cli.gateway import client_of
        from penstock.cli.screen import print_json

        async with client_of(flags) as client:
            receipt = await call(client)
        if json:
            print_json({"id": receipt.id, "token": receipt.token, "command_id": receipt.command_id})
        else:
            print(receipt.id)
        return Code.OK

    execute(body)


def _print_migration(migration: Migration, dry_run: bool, json: bool) -> int:
    from penstock.cli.screen import print_json, print_table

    if json:
        print_json(migration)
    elif migration.compatible:
        print(f"{migration.id} {'could go' if dry_run else 'goes'} on by {migration.version}")
    else:
        rows = [(problem.code, problem.place, problem.message) for problem in migration.problems]
        print_table(("problem", "place", "what"), rows)
    return Code.OK if migration.compatible else Code.FAILED


async def _variables(execution: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    async with client_of(flags) as client:
        found = await client.variables(execution)
    if json:
        print_json(found)
        return Code.OK
    rows = [
        (v.name, v.type, v.value, f"{v.step}, visit {v.visit}" if v.visit else v.scope, v.updated_at) for v in found
    ]
    print_table(("name", "type", "value", "scope", "updated"), rows, none="no variables")
    return Code.OK


async def _progress(execution: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import fields_of, print_fields, print_json

    async with client_of(flags) as client:
        come = await client.progress(execution)
    print_json(come) if json else print_fields(fields_of(come))
    return Code.OK


def _assignment(text: str) -> tuple[str, Any]:
    import orjson

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Failed(f"expected NAME=VALUE, but got {text!r}", Code.USAGE)
    try:
        return name, orjson.loads(value)
    except ValueError:
        return name, value
