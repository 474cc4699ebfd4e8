"""``penstock definition draft``: what may become the next version of a definition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.definitions import examine_file, print_findings
from penstock.cli.execute import Code, Failed, execute, say
from penstock.cli.options import Config, Json, Token, Url, examples

if TYPE_CHECKING:
    from penstock.sdk.definition_versions import Draft

draft = typer.Typer(no_args_is_help=True, help="Drafts: at most one for each definition; they may have errors.")

Id = Annotated[str, typer.Argument(metavar="ID", help="id of the definition")]
Expected = Annotated[
    int | None,
    typer.Option("--expected-revision", metavar="N", min=0, help="refuse if the draft is another by now; 0: if any"),
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(
        draft,
        name="draft",
        epilog=examples("definition draft save order-approval.yaml", "definition draft publish order-approval"),
    )


@draft.command(
    epilog=examples(
        "definition draft save order-approval.yaml", "definition draft save order-approval.yaml --expected-revision 3"
    )
)
def save(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML or JSON")],
    expected_revision: Expected = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Keep a file as the draft of its definition. What is wrong with it is told, and kept with it."""
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _save(file, expected_revision, json, flags))


@draft.command(
    epilog=examples(
        "definition draft show order-approval",
        "definition draft show order-approval --json | jq .source > order-approval.json",
    )
)
def show(id_: Id, json: Json = False, url: Url = None, api_token: Token = None, config: Config = None) -> None:
    """Show a draft as YAML, and what is wrong with it."""
    execute(lambda: _show(id_, json, {"url": url, "api_token": api_token, "config": config}))


@draft.command(epilog=examples("definition draft discard order-approval"))
def discard(
    *,
    id_: Id,
    expected_revision: Expected = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Forget a draft."""
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _discard(id_, expected_revision, json, flags))


@draft.command(
    epilog=examples("definition draft publish order-approval", "definition draft publish order-approval --revision 3")
)
def publish(
    *,
    id_: Id,
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", min=1, help="refuse if the draft is another by now")
    ] = None,
    json: Json = False,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """Make a version of a draft that has no errors; the draft is gone with that."""
    flags = {"url": url, "api_token": api_token, "config": config}
    execute(lambda: _publish(id_, revision, json, flags))


async def _save(file: Path, expected_revision: int | None, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    source, findings = examine_file(file)
    print_findings([(file, finding) for finding in findings], errors=True)
    named = source.get("id") if source is not None else None
    if source is None or not isinstance(named, str):
        raise Failed(f"expected {file} to be a definition with an `id`; nothing was saved")
    async with client_of(flags) as client:
        receipt = await client.save_draft(named, source, expected_revision=expected_revision)
        kept = await client.draft(named, min_token=receipt.token)
    print_json(kept) if json else print(_line(kept))
    return Code.OK


async def _show(id_: str, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json
    from penstock.domain.definition.write_yaml import write_yaml

    async with client_of(flags) as client:
        kept = await client.draft(id_)
    if json:
        print_json(kept)
        return Code.OK
    print(write_yaml(kept.source), end="")
    say(_line(kept))
    for finding in kept.findings:
        advice = f"; {finding.suggestion}" if finding.suggestion else ""
        say(f"{finding.severity}: {finding.path or 'definition'}: {finding.message}{advice} [{finding.code}]")
    return Code.OK


async def _discard(id_: str, expected_revision: int | None, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    async with client_of(flags) as client:
        receipt = await client.discard_draft(id_, expected_revision=expected_revision)
    print_json(receipt) if json else print(f"discarded: the draft of {id_}")
    return Code.OK


async def _publish(id_: str, revision: int | None, json: bool, flags: Mapping[str, Any]) -> int:
    from penstock.cli.gateway import client_of
    from penstock.cli.screen import print_json

    async with client_of(flags) as client:
        meant = revision or (await client.draft(id_)).revision
        receipt = await client.publish_draft(id_, meant)
    print_json(receipt) if json else print(f"published: revision {meant} of the draft of {id_}")
    return Code.OK


def _line(kept: Draft) -> str:
    errors = "1 error" if kept.errors == 1 else f"{kept.errors} errors"
    return f"draft of {kept.id} {kept.version or '(no version)'} at revision {kept.revision}, {errors}"
