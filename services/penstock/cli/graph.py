"""``penstock graph``: a definition as a picture, or an execution on that of its definition."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.definitions import as_json, examine_file, examine_text, print_findings
from penstock.cli.execute import Code, Failed, execute
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.domain.definition.model import Graph
    from penstock.domain.definition.picture import Marks
    from penstock.domain.execution.events import ExecutionEvent
    from penstock.sdk.client import Client
    from penstock.sdk.executions import Occurrence

STDIN = "-"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "graph order-approval.yaml",
            "graph order-approval.yaml --output order-approval.mmd",
            "graph --execution 0192e4c1-... --json | jq '.nodes[] | select(.state == \"failed\")'",
            "graph - < order-approval.yaml",
        )
    )(graph)


def graph(
    *,
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="YAML or JSON; - is standard input")] = None,
    execution: Annotated[
        str | None, typer.Option("--execution", "-e", metavar="ID", help="draw this execution instead")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write it there, not to standard output")
    ] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Draw a definition as a Mermaid flowchart, or an execution: what is done, open, failed, and the way it took."""
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _graph(file, execution, output, json, flags))


async def _graph(
    file: str | None, execution: str | None, output: Path | None, json: bool, flags: Mapping[str, Any]
) -> int:
    if (file is None) == (execution is None):
        raise Failed("expected either a FILE or --execution ID", Code.USAGE)
    if execution is not None:
        drawn, marks = await _of_execution(execution, flags)
    else:
        assert file is not None
        found = _of_file(file, json)
        if found is None:
            return Code.FAILED
        drawn, marks = found, None
    _write(_text(drawn, marks, json), output)
    return Code.OK


def _of_file(file: str, json: bool) -> Graph | None:
    """The graph that a file describes; None if it has errors. What there is to say about it is said."""
    from penstock.cli.screen import print_json
    from penstock.domain.definition.compile import compile_definition

    path = Path(file)
    source, findings = examine_text(_standard_input(), "") if file == STDIN else examine_file(path)
    failed = source is None or any(finding.severity == "error" for finding in findings)
    if failed and json:
        print_json([as_json(path, finding) for finding in findings])
    else:
        # Standard output belongs to the picture.
        print_findings([(path, finding) for finding in findings], errors=True)
    return None if failed or source is None else compile_definition(source)


def _standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise Failed(f"expected a readable text on standard input, but {error}", Code.USAGE) from error


async def _of_execution(execution: str, flags: Mapping[str, Any]) -> tuple[Graph, Marks]:
    from penstock.cli.gateway import client_of
    from penstock.domain.execution.marks import marks_of

    async with client_of(flags) as client:
        row = await client.get(execution)
        published = await client.definition(row.definition, row.version)
        return published.graph, marks_of(await _events(client, execution))


async def _events(client: Client, execution: str) -> Sequence[ExecutionEvent]:
    return [_event(occurrence) async for occurrence in client.timeline(execution)]


def _event(occurrence: Occurrence) -> ExecutionEvent:
    """
    The event in a line of a timeline.

    Raises:
        Failed: it is of a later release.

    """
    import msgspec

    from penstock.domain.execution.events import ExecutionEvent
    from penstock.messages.registry import EVENTS

    try:
        event = msgspec.convert(occurrence.data, EVENTS[occurrence.type])
    except (KeyError, msgspec.ValidationError) as error:
        sentence = (
            f"expected event {occurrence.sequence} to be one that this release knows, but it is {occurrence.type}"
        )
        raise Failed(f"{sentence}: {error}") from error
    if not isinstance(event, ExecutionEvent):
        raise Failed(f"expected event {occurrence.sequence} to be of an execution, but it is {occurrence.type}")
    return event


def _text(drawn: Graph, marks: Marks | None, json: bool) -> str:
    from penstock.cli.screen import json_text
    from penstock.domain.definition.picture import mermaid, picture_of

    return json_text(picture_of(drawn, marks)) if json else mermaid(drawn, marks)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failed(f"expected to write {output}, but {error}", Code.USAGE) from error
