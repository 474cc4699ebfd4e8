"""``penstock topics``: creates the topics, and holds those that exist against what they have to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.execute import Code, execute, say
from penstock.cli.options import Config, Json, Log, Prefix, examples

if TYPE_CHECKING:
    from penstock.runtime.settings import Settings

topics = typer.Typer(no_args_is_help=True, help="Create the topics, or check them.")

Partitions = Annotated[
    int | None, typer.Option("--partitions", metavar="N", help="partitions of commands, events and tasks [4]")
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(
        topics,
        name="topics",
        epilog=examples(
            "topics apply --log kafka://localhost:9092 --partitions 12", "topics check --log kafka://localhost:9092"
        ),
    )


@topics.command(
    epilog=examples(
        "topics apply --log kafka://localhost:9092",
        "topics apply --log kafka://localhost:9092 --prefix staging --partitions 12",
        "topics apply --log sqlite:./penstock.sqlite --partitions 1",
    )
)
def apply(
    partitions: Partitions = None, json: Json = False, log: Log = None, prefix: Prefix = None, config: Config = None
) -> None:
    """Create the topics that are missing, then check all. Existing ones are left alone; running it again is safe."""
    execute(lambda: _apply({"partitions": partitions, "log": log, "prefix": prefix, "config": config}, json))


@topics.command(
    epilog=examples("topics check --log kafka://localhost:9092", "topics check --json | jq -r '.problems[]'")
)
def check(
    partitions: Partitions = None, json: Json = False, log: Log = None, prefix: Prefix = None, config: Config = None
) -> None:
    """Say how the topics differ from what they have to be, and which command mends it. Exit code 1 if they do."""
    execute(lambda: _check({"partitions": partitions, "log": log, "prefix": prefix, "config": config}, json))


async def _apply(flags: dict[str, object], json: bool) -> int:
    from penstock.cli.settings import load_here, opened_log
    from penstock.log.topics import product_topics
    from penstock.standalone import wanted_topics

    settings = load_here(flags)
    async with opened_log(settings, create=True) as log:
        wanted = await wanted_topics(log, settings)
        created = await log.apply(product_topics(settings.partitions) if flags["partitions"] else wanted)
        problems = await log.check(wanted)
    return _report(settings, created, problems, json)


async def _check(flags: dict[str, object], json: bool) -> int:
    from penstock.cli.settings import load_here, opened_log
    from penstock.log.topics import product_topics
    from penstock.standalone import wanted_topics

    settings = load_here(flags)
    async with opened_log(settings) as log:
        asked = flags["partitions"] is not None
        problems = await log.check(product_topics(settings.partitions) if asked else await wanted_topics(log, settings))
    return _report(settings, None, problems, json)


def _report(settings: Settings, created: object, problems: object, json: bool) -> int:
    from penstock.cli.screen import print_json

    assert isinstance(problems, list | tuple)
    names = list(created) if isinstance(created, list | tuple) else []
    if json:
        print_json({"log": settings.log, "prefix": settings.prefix, "created": names, "problems": list(problems)})
    else:
        for name in names:
            print(f"created {name}")
        if not problems:
            print("every topic is as it has to be")
        for problem in problems:
            say(problem)
    return Code.FAILED if problems else Code.OK
