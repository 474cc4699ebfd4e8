"""``penstock definition``: the life of versions, from the draft to the archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from penstock.cli import diff, drafts
from penstock.cli.execute import Code, execute
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.definition_versions import Compatible

definition = typer.Typer(no_args_is_help=True, help="Drafts and versions of definitions.")

Id = Annotated[str, typer.Argument(metavar="ID", help="id of the definition")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="a published version")]
Old = Annotated[str, typer.Argument(metavar="OLD", help="a published version")]
New = Annotated[str, typer.Argument(metavar="NEW", help="another one")]

_CHANGES: Final = {
    "activate": "Let new executions use a version again.",
    "deactivate": "Refuse new executions of a version; running ones go on.",
    "archive": "Refuse new executions of a version for ever; running ones go on.",
}


def add_to(app: typer.Typer) -> None:
    app.add_typer(
        definition,
        name="definition",
        epilog=examples(
            "definition versions order-approval",
            "definition draft save order-approval.yaml",
            "definition diff order-approval 1.0.0 1.1.0",
        ),
    )
    drafts.add_to(definition)
    definition.command(
        epilog=examples("definition versions order-approval", "definition versions order-approval --json | jq '.[0]'")
    )(versions)
    for name, sentence in _CHANGES.items():
        _add_change(name, sentence)
    diff.add_to(app, definition)
    definition.command(
        epilog=examples(
            "definition compatibility order-approval 1.0.0 1.1.0",
            "definition compatibility order-approval 1.0.0 1.1.0 --execution 0192e4c1-...",
            "definition compatibility order-approval 1.0.0 1.1.0 --json | jq '.[] | select(.compatible | not)'",
        )
    )(compatibility)


def versions(id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """List the draft and the versions of a definition, the latest first."""
    execute(lambda: _versions(id_, json, {"url": url, "api_token": api_token, "config": config}))


def compatibility(
    *,
    id_: Id,
    old: Old,
    new: New,
    execution: Annotated[str | None, typer.Option("--execution", "-e", metavar="ID", help="only this one")] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """
    Say which executions of OLD could go on under NEW, and what stands in the way of the others.

    Nothing is changed. Exit code 1 if one of them could not.
    """
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _compatibility((id_, old, new), execution, json, flags))


def _add_change(name: str, sentence: str) -> None:
    def change(
        *,
        id_: Id,
        version: Version,
        json: Json = False,
        url: Url = None,
        api_token: Token = None,
        config: Config = None,
    ) -> None:
        execute(lambda: _change(name, id_, version, json, {"url": url, "api_token": api_token, "config": config}))

    definition.command(name, help=sentence, epilog=examples(f"definition {name} order-approval 1.0.0"))(change)


async def _change(name: str, id_: str, version: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    async with client_of(flags) as client:
        receipt = await getattr(client, name)(id_, version)
    print_json(receipt) if json else print(f"{name}: {id_} {version}")
    return Code.OK


async def _versions(id_: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    async with client_of(flags) as client:
        lines = await client.versions(id_)
    if json:
        print_json(lines)
        return Code.OK
    rows = [
        (line.version, line.status, line.revision, line.changed_at or line.saved_at, line.changed_by or line.saved_by)
        for line in lines
    ]
    print_table(("version", "status", "revision", "changed", "by"), rows)
    return Code.OK


async def _compatibility(
    between: tuple[str, str, str], execution: str | None, json: bool, flags: Mapping[str, Any]
) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json, print_table

    async with client_of(flags) as client:
        checked = [one async for one in client.compatibility(*between, execution=execution)]
    hindered = [one for one in checked if not one.compatible]
    if json:
        print_json(checked)
    else:
        if hindered:
            print_table(("execution", "status", "code", "problem"), [row for one in hindered for row in _rows(one)])
        print(f"{len(checked)} checked, {len(checked) - len(hindered)} compatible with {between[2]}")
    return Code.FAILED if hindered else Code.OK


def _rows(one: Compatible) -> list[tuple[Any, ...]]:
    return [(one.execution, one.status, problem.code, problem.message) for problem in one.problems]
