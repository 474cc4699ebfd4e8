"""``penstock diff`` and ``penstock definition diff``: what is different between two definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.definitions import examine_file, print_findings
from penstock.cli.execute import Code, Failed, execute
from penstock.cli.options import Config, Token, Url, examples

if TYPE_CHECKING:
    from penstock.domain.definition.diff import Change
    from penstock.domain.definition.model import Graph


class Form(StrEnum):
    """How changes are written."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[Form, typer.Option("--format", "-f", help="text: a sentence for each change; json: for programs")]


def add_to(app: typer.Typer, definition: typer.Typer) -> None:
    app.command(
        "diff",
        epilog=examples("diff order-1.0.yaml order-1.1.yaml", "diff old.yaml new.yaml --format json | jq '.[].path'"),
    )(files)
    definition.command(
        "diff",
        epilog=examples(
            "definition diff order-approval 1.0.0 1.1.0", "definition diff order-approval 1.0.0 1.1.0 --format json"
        ),
    )(versions)


def files(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="YAML or JSON")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="YAML or JSON")],
    format_: Format = Form.TEXT,
) -> None:
    """
    Say what is different between the definitions in two files; no server is asked.

    Exit code 0: nothing but id and version, 1: something, 2: one of them is no sound definition.
    """
    execute(lambda: _files(old, new, format_))


def versions(
    *,
    id_: Annotated[str, typer.Argument(metavar="ID", help="id of the definition")],
    old: Annotated[str, typer.Argument(metavar="OLD", help="a published version")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="another one")],
    format_: Format = Form.TEXT,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Say what is different between two published versions. Exit code 0: nothing, 1: something."""
    execute(lambda: _versions(id_, old, new, format_, {"url": url, "api_token": api_token, "config": config}))


async def _files(old: Path, new: Path, form: Form) -> int:
    from penstock.domain.definition.diff import diff

    return _told(diff(_graph(old), _graph(new)), form)


def _graph(path: Path) -> Graph:
    from penstock.domain.definition.compile import compile_definition

    source, findings = examine_file(path)
    errors = [finding for finding in findings if finding.severity == "error"]
    if source is None or errors:
        print_findings([(path, finding) for finding in errors], errors=True)
        raise Failed(f"expected {path} to be a sound definition, but found {len(errors)} errors", Code.USAGE)
    return compile_definition(source)


async def _versions(id_: str, old: str, new: str, form: Form, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of

    async with client_of(flags) as client:
        found = await client.diff(id_, old, new)
    return _told(found.changes, form)


def _told(changes: Sequence[Change], form: Form) -> int:
    from dataclasses import asdict

    from penstock.cli.screen import plain, print_json

    if form is Form.JSON:
        print_json([{**asdict(change), "text": str(change)} for change in changes])
    else:
        for change in changes:
            print(plain(str(change)))
    return Code.FAILED if changes else Code.OK
