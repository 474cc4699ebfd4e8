"""Commands about executions, through the gateway: start, list, show, pause, resume, cancel, terminate, retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from penstock.cli.execute import Code, Failed, code_of, execute, say
from penstock.cli.given import json_of
from penstock.cli.options import Config, Execution, Executions, Json, Token, Url, examples
from penstock.cli.telling import told, told_code

if TYPE_CHECKING:
    from penstock.sdk.executions import Execution as Record
    from penstock.sdk.executions import Occurrence, TaskAttempt

COLUMNS: Final = ("id", "definition", "version", "status", "business key", "started", "updated")
_CHANGES: Final = {
    "pause": ("Begin nothing new; results of running tasks are kept and wait for the resume.", True),
    "resume": ("Go on after a pause.", False),
    "cancel": ("End executions in an orderly way.", True),
    "terminate": ("End executions at once; nobody is asked.", True),
    "retry": ("Try the failed steps of failed executions again.", False),
}


class _Wait(NamedTuple):
    wanted: bool
    seconds: float | None


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            'start order-approval --input \'{"order_id": "SO-1", "amount": 1200}\'',
            "start order-approval --input @order.json --business-key SO-1 --wait",
            "start order-approval --input - --id 0192e4c1-0000-7000-8000-000000000001 < order.json",
        )
    )(start)
    app.command(
        "list",
        epilog=examples(
            "list", "list --status failed --definition order-approval", "list --all --json | jq -r '.items[].id'"
        ),
    )(list_)
    app.command(epilog=examples("show 0192e4c1-...", "show 0192e4c1-... --json | jq .execution.output"))(show)
    for name, (sentence, has_reason) in _CHANGES.items():
        _add_change(app, name, sentence, has_reason)


def start(
    *,
    definition: Annotated[str, typer.Argument(metavar="DEFINITION", help="id of a published definition")],
    input_: Annotated[
        str, typer.Option("--input", "-i", metavar="JSON|@FILE|-", help="the input, a JSON object")
    ] = "{}",
    version: Annotated[str | None, typer.Option("--version", metavar="VERSION", help="[the latest active]")] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="UUIDv7", help="the same id never starts twice [a new one]")
    ] = None,
    business_key: Annotated[
        str | None, typer.Option("--business-key", metavar="KEY", help="your own name for it")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="may be repeated")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="until it ends or fails; exit code 1 unless completed")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="wait no longer [for ever]")
    ] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Start an execution and print its id, or its outcome with --wait."""
    flags = {"url": url, "api_token": api_token, "config": config}

    async def body() -> int:
        given = {"version": version, "id": id_, "business_key": business_key, "tags": tag or []}
        return await _start(definition, {"input": _input(input_), **given}, _Wait(wait, timeout), json, flags)

    execute(body)


def list_(
    *,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help="may be repeated")] = None,
    definition: Annotated[
        str | None, typer.Option("--definition", "-d", metavar="ID", help="of this definition")
    ] = None,
    business_key: Annotated[str | None, typer.Option("--business-key", metavar="KEY", help="with this key")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="with this tag")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="at most so many")] = 50,
    all_: Annotated[bool, typer.Option("--all", help="all of them, page by page")] = False,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """List executions, the latest first."""
    wanted = {"status": status, "definition": definition, "business_key": business_key, "tag": tag}
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _list(wanted, None if all_ else limit, json, flags))


def show(
    execution: Execution, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None
) -> None:
    """Show an execution: its fields, its tasks and its timeline."""
    execute(lambda: _show(execution, json, {"url": url, "api_token": api_token, "config": config}))


def _add_change(app: typer.Typer, name: str, sentence: str, has_reason: bool) -> None:
    """A command that asks for the same change of each execution that is named."""
    lines = [f"{name} 0192e4c1-...", f"list --status failed --json | jq -r '.items[].id' | xargs penstock {name}"]

    def plain(
        executions: Executions, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None
    ) -> None:
        flags = {"url": url, "api_token": api_token, "config": config}
        execute(lambda: _change(name, executions, {}, json, flags))

    def with_reason(
        *,
        executions: Executions,
        reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="kept in the history")] = "",
        json: Json = False,
        url: Url = None,
        api_token: Token = None,
        config: Config = None,
    ) -> None:
        flags = {"url": url, "api_token": api_token, "config": config}
        execute(lambda: _change(name, executions, {"reason": reason}, json, flags))

    command: Callable[..., None] = with_reason if has_reason else plain
    app.command(name, help=sentence, epilog=examples(*lines))(command)


async def _start(definition: str, given: Mapping[str, Any], wait: _Wait, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_fields, print_json
    from penstock.sdk.refusals import ExecutionFailed

    async with client_of(flags) as client:
        started = await client.start(definition, **given)
        if not wait.wanted:
            print_json({"id": started.id, "token": started.token}) if json else print(started.id)
            return Code.OK
        # A failure is an answer here, and it stands in the row.
        with suppress(ExecutionFailed):
            await started.result(wait.seconds)
        execution = await started.get()
    if json:
        print_json(execution)
    else:
        names = ("id", "status", "output", "failure", "reason")
        print_fields([(name, getattr(execution, name)) for name in names])
    return Code.OK if execution.status == "completed" else Code.FAILED


def _input(text: str) -> dict[str, Any]:
    value = json_of(text, "--input", "a JSON object")
    if not isinstance(value, dict):
        raise Failed("--input: expected a JSON object, in { }", Code.USAGE)
    return value


async def _list(wanted: Mapping[str, Any], limit: int | None, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    items: list[Record] = []
    more = False
    async with client_of(flags) as client:
        async for item in client.list(**wanted, page=min(limit or 500, 500)):
            more = limit is not None and len(items) >= limit
            if more:
                break
            items.append(item)
    if json:
        print_json({"items": items, "more": more})
        return Code.OK
    print_table(COLUMNS, [row_of(item) for item in items], none="no such executions")
    if more:
        say(f"there are more than {len(items)}: --limit N, or --all")
    return Code.OK


def row_of(item: Record) -> Sequence[Any]:
    """An execution as a row below ``COLUMNS``."""
    names = ("id", "definition", "version", "status", "business_key", "started_at", "updated_at")
    return [getattr(item, name) for name in names]


async def _show(execution: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import fields_of, print_fields, print_json, print_table

    async with client_of(flags) as client:
        row = await client.get(execution)
        tasks = await client.tasks(execution)
        events = [event async for event in client.timeline(execution)]
    if json:
        print_json({"execution": row, "tasks": tasks, "timeline": events})
        return Code.OK
    print_fields(fields_of(row))
    print()
    columns = ("step", "attempt", "status", "worker", "scheduled", "ended", "failure")
    print_table(columns, [_task_row(task) for task in tasks], none="no tasks")
    print()
    print_table(("nr", "time", "event", "what"), [event_row(event) for event in events])
    return Code.OK


def _task_row(task: TaskAttempt) -> tuple[Any, ...]:
    failure = told_code(task.failure) if task.failure else None
    return (task.step, task.attempt, task.status, task.worker, task.scheduled_at, task.ended_at, failure)


def event_row(event: Occurrence) -> tuple[Any, ...]:
    """An entry of a timeline in one line."""
    return event.sequence, event.time, short_type(event.type), told(event.data)


def short_type(name: str) -> str:
    """``penstock.task_completed.v1`` as "task completed"."""
    return name.split(".")[1].replace("_", " ") if name.count(".") >= 2 else name


async def _change(
    name: str, executions: Sequence[str], more: Mapping[str, Any], json: bool, flags: Mapping[str, Any]
) -> int:
    """Each by itself: one that is refused does not stop the others; the worst code counts."""
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json
    from penstock.sdk.refusals import Rejected

    results: list[dict[str, Any]] = []
    code = Code.OK
    async with client_of(flags) as client:
        for execution in executions:
            try:
                receipt = await getattr(client, name)(execution, **more)
            except Rejected as refusal:
                code = code_of(refusal)
                results.append({"id": execution, "accepted": False, "code": refusal.code, "detail": refusal.detail})
                say(f"{execution}: {refusal}")
            else:
                results.append({"id": execution, "accepted": True, "token": receipt.token})
    if json:
        print_json(results)
    else:
        for result in results:
            if result["accepted"]:
                print(f"{name}: {result['id']}")
    return code
