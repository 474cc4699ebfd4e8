"""``penstock validate`` and ``penstock publish``: definitions from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penstock.cli.execute import Code, Failed, execute, say
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.domain.definition.findings import Finding

SUFFIXES: Final = (".yaml", ".yml", ".json")

Files = Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="YAML or JSON files, or folders of them")]


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "validate order-approval.yaml", "validate definitions/ --json | jq '.[] | select(.severity == \"error\")'"
        )
    )(validate)
    app.command(epilog=examples("publish order-approval.yaml", "publish definitions/ --url https://flows.example.com"))(
        publish
    )


def validate(files: Files, json: Json = False) -> None:
    """Check definitions without a server: every error at once, with line, column and advice. Exit code 1 on errors."""
    execute(lambda: _validate(files, json))


def publish(files: Files, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """Check definitions and publish them. Publishing the same again is safe; a changed one needs a new version."""
    execute(lambda: _publish(files, json, {"url": url, "api_token": api_token, "config": config}))


async def _validate(files: Sequence[Path], json: bool) -> int:
    from penstock.cli.screen import print_json

    found = [(path, finding) for path in definition_files(files) for finding in examine_file(path)[1]]
    errors = sum(finding.severity == "error" for _, finding in found)
    if json:
        print_json([as_json(path, finding) for path, finding in found])
    else:
        print_findings(found)
        checked = len(definition_files(files))
        print(f"{checked} checked, {errors} errors, {len(found) - errors} warnings")
    return Code.FAILED if errors else Code.OK


def definition_files(paths: Sequence[Path]) -> list[Path]:
    """
    The definition files that are named, or lie in the folders that are named.

    Raises:
        Failed: there is no such file.

    """
    return [file for path in paths for file in _files(path)]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(child for child in path.iterdir() if child.suffix in SUFFIXES and child.is_file())
    elif path.is_file():
        yield path
    else:
        raise Failed(f"expected a file or a folder at {path}, but there is none", Code.USAGE)


def examine_file(path: Path) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """The source that stands in a file, and everything there is to say about it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"expected {path} to be a readable text, but {error}", Code.USAGE) from error
    return examine_text(text, path.name)


def examine_text(text: str, name: str) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """The source that ``text`` is, and everything there is to say about it; ``name`` is that of its file."""
    from penstock.domain.definition.findings import DefinitionInvalid
    from penstock.domain.definition.read import read_definition
    from penstock.domain.definition.validate import validate as findings_of

    try:
        source = read_definition(text, name)
    except DefinitionInvalid as error:
        return None, error.findings
    return source.value, findings_of(source.value, source.positions)


def print_findings(found: Sequence[tuple[Path, Finding]], *, errors: bool = False) -> None:
    """One line each, as compilers write it, so that editors can jump to it; with ``errors`` on standard error."""
    from rich.text import Text

    from penstock.cli.screen import console

    screen = console(errors=errors)
    for path, finding in found:
        place = f"{path}:{finding.line}:{finding.column}" if finding.line else str(path)
        line = Text.assemble(
            (f"{place}: ", "bold"),
            (f"{finding.severity}: ", "red" if finding.severity == "error" else "yellow"),
            f"{finding.message}",
            (f" [{finding.code}]", "dim"),
            (f"\n    at {finding.path}" if finding.path else "", "dim"),
            (f"\n    hint: {finding.suggestion}" if finding.suggestion else "", "green"),
        )
        screen.print(line, soft_wrap=True)


def as_json(path: Path, finding: Finding) -> dict[str, Any]:
    """A finding for programs."""
    from dataclasses import asdict

    return {"file": str(path), **asdict(finding)}


def checked_sources(paths: Sequence[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """
    The sources in files; warnings are shown.

    Raises:
        Failed: one of them has errors; all of them are shown before.

    """
    examined = [(path, *examine_file(path)) for path in definition_files(paths)]
    print_findings([(path, finding) for path, _, findings in examined for finding in findings])
    errors = sum(finding.severity == "error" for _, _, findings in examined for finding in findings)
    if errors:
        raise Failed(f"{errors} errors; nothing was published")
    return [(path, source) for path, source, _ in examined if source is not None]


async def _publish(files: Sequence[Path], json: bool, flags: dict[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json
    from penstock.sdk.refusals import Rejected

    sources = checked_sources(files)
    published, refused = [], 0
    async with client_of(flags) as client:
        for path, source in sources:
            named = {"file": str(path), "id": source["id"], "version": source["version"]}
            try:
                await client.publish(source)
            except Rejected as refusal:
                refused += 1
                say(f"{path}: {refusal}")
                published.append({**named, "published": False, "code": refusal.code})
            else:
                published.append({**named, "published": True})
    if json:
        print_json(published)
    else:
        for one in published:
            if one["published"]:
                print(f"published {one['id']} {one['version']}")
    return Code.REFUSED if refused else Code.OK
