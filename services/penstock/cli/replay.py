"""``penstock replay`` and ``penstock export``: what the log says by itself. Nothing here writes to the log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.execute import Code, Failed, execute, say
from penstock.cli.options import Config, Execution, Json, Log, Prefix, Tables, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from penstock.engine.replay import Snapshot, Verdict
    from penstock.projector.rebuild import Comparison

replay = typer.Typer(no_args_is_help=True, help="Replay the log: prove it, rebuild tables from it, look back in time.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(
        replay,
        name="replay",
        epilog=examples("replay verify", "replay rebuild --compare", "replay show EXECUTION --at 12"),
    )
    app.command(
        epilog=examples(
            "export > events.jsonl",
            "export --topic commands --topic events --output log.jsonl",
            "export | jq -r 'select(.event.type | endswith(\"execution_failed.v1\")) | .event.subject'",
        )
    )(export)


@replay.command(
    epilog=examples("replay verify", "replay verify --log kafka://localhost:9092", "replay verify --json | jq '.ok'")
)
def verify(json: Json = False, log: Log = None, prefix: Prefix = None, config: Config = None) -> None:
    """
    Replay every event from the first one, without snapshots, and compare with what the engines wrote down.

    Checks digests, the sequence of each entity, and the chain of hashes. Exit code 1 if something differs.
    """
    execute(lambda: _verify({"log": log, "prefix": prefix, "config": config}, json))


@replay.command(
    epilog=examples(
        "replay rebuild --compare", "replay rebuild --log kafka://localhost:9092 --tables postgresql://localhost/app"
    )
)
def rebuild(
    *,
    compare: Annotated[
        bool, typer.Option("--compare", help="only compare, row by row; exit code 1 if different")
    ] = False,
    json: Json = False,
    log: Log = None,
    tables: Tables = None,
    prefix: Prefix = None,
    config: Config = None,
) -> None:
    """
    Fill new tables from position 0 of the log and put them in the place of the old ones, while both serve.

    With --compare the new tables are held against the old ones and thrown away.
    """
    flags = {"log": log, "tables": tables, "prefix": prefix, "config": config}
    execute(lambda: _compare(flags, json) if compare else _swap(flags, json))


@replay.command(
    epilog=examples(
        "replay show 0192e4c1-... --at 12",
        "replay show 0192e4c1-... --at 2026-03-01T12:00:00Z",
        "replay show 0192e4c1-... --json | jq .state.variables",
    )
)
def show(
    *,
    execution: Execution,
    at: Annotated[
        str | None, typer.Option("--at", metavar="N|TIME", help="number of its event, or a time (ISO 8601) [now]")
    ] = None,
    json: Json = False,
    log: Log = None,
    prefix: Prefix = None,
    config: Config = None,
) -> None:
    """Show an execution as it was after its event number N, or at a time, from the log alone."""
    execute(lambda: _show({"log": log, "prefix": prefix, "config": config}, execution, at, json))


def export(
    topic: Annotated[list[str] | None, typer.Option("--topic", help="catalog and events, unless given")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="[standard output]")] = None,
    log: Log = None,
    prefix: Prefix = None,
    config: Config = None,
) -> None:
    """Write records of the log as lines of JSON: the CloudEvent, with its topic, partition and position."""
    execute(lambda: _export({"log": log, "prefix": prefix, "config": config}, topic or ["catalog", "events"], output))


async def _verify(flags: dict[str, Any], json: bool) -> int:
    from penstock.cli.screen import print_json
    from penstock.cli.settings import filled_log, load_here
    from penstock.engine.replay import verify as verify_log

    async with filled_log(load_here(flags)) as log:
        with _progress(quiet=json) as progress:
            verdicts = await verify_log(log, progress)
    ok = all(verdict.ok for verdict in verdicts)
    if json:
        print_json({"ok": ok, "partitions": [_as_json(verdict) for verdict in verdicts]})
    else:
        print_verdicts(verdicts)
        for verdict in verdicts:
            for problem in verdict.problems:
                say(problem)
    return Code.OK if ok else Code.FAILED


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "topic": verdict.topic,
        "partition": verdict.partition,
        "ok": verdict.ok,
        "events": verdict.events,
        "entities": verdict.entities,
        "digest": verdict.digest,
        "marker_position": verdict.marker_position,
        "marker_digest": verdict.marker_digest,
        "replayed_digest": verdict.replayed_digest,
        "problems": list(verdict.problems),
    }


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """One row for each partition; the digests at the last checkpoint stand under one another."""
    from penstock.cli.screen import print_table

    def place(verdict: Verdict) -> str:
        if verdict.marker_position is None:
            return "history sound" if verdict.ok else "broken"
        return f"live     {verdict.marker_digest}\nreplayed {verdict.replayed_digest}"

    rows = [
        (f"{v.topic}/{v.partition}", f"{v.events:,}", f"{v.entities:,}", place(v), "equal" if v.ok else "DIFFERENT")
        for v in verdicts
    ]
    print_table(("partition", "events", "open", "digest at the last checkpoint", "verdict"), rows)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for each partition on a terminal, nothing elsewhere."""
    from rich.progress import Progress, TaskID

    from penstock.cli.screen import console

    screen = console(errors=True)
    if quiet or not screen.is_terminal:
        yield None
        return
    bars: dict[str, TaskID] = {}
    with Progress(console=screen, transient=True) as progress:

        def advance(name: str, position: int, end: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=end)
            if position % 100 == 0 or position >= end:
                progress.update(bars[name], completed=position)

        yield advance


async def _compare(flags: dict[str, Any], json: bool) -> int:
    from penstock.cli.screen import print_json, print_table
    from penstock.cli.settings import filled_log, load_here, opened_tables
    from penstock.projector.rebuild import compare

    settings = load_here(flags)
    async with filled_log(settings) as log, opened_tables(settings) as pool:
        comparison = await compare(log, pool)
    if json:
        print_json(_comparison_as_json(comparison))
    else:
        unequal = [difference.table for difference in comparison.differences]
        rows = [(name, f"{count:,}", unequal.count(name)) for name, count in comparison.rows.items()]
        print_table(("table", "rows", "differences"), rows)
        for difference in comparison.differences:
            what = ", ".join(difference.columns) or ("missing in the log" if difference.live else "missing here")
            say(f"{difference.table} {difference.key}: {what}")
    return Code.FAILED if comparison.differences else Code.OK


def _comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "ok": not comparison.differences,
        "events": comparison.events,
        "rows": dict(comparison.rows),
        "differences": [
            {"table": d.table, "key": [str(part) for part in d.key], "columns": list(d.columns)}
            for d in comparison.differences
        ],
    }


async def _swap(flags: dict[str, Any], json: bool) -> int:
    from penstock.cli.screen import print_json
    from penstock.cli.settings import filled_log, load_here, opened_tables
    from penstock.projector.rebuild import swap

    settings = load_here(flags)
    async with filled_log(settings) as log, opened_tables(settings) as pool:
        events = await swap(log, pool)
    if json:
        print_json({"events": events})
    else:
        print(f"rebuilt from {events:,} events; the new tables serve")
    return Code.OK


async def _show(flags: dict[str, Any], execution: str, at: str | None, json: bool) -> int:
    from penstock.cli.screen import print_json
    from penstock.cli.settings import filled_log, load_here
    from penstock.engine.replay import state_at

    moment = _moment(at)
    async with filled_log(load_here(flags)) as log:
        snapshot = await state_at(log, execution, moment)
    if json:
        print_json(_snapshot_as_json(snapshot))
    else:
        _print_snapshot(snapshot)
    return Code.OK


def _moment(at: str | None) -> int | datetime | None:
    if at is None or at.isdecimal():
        return int(at) if at else None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise Failed(
            f"--at: expected a number or a time such as 2026-03-01T12:00:00Z, but got {at!r}", Code.USAGE
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _snapshot_as_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "execution_id": snapshot.execution_id,
        "sequence": snapshot.sequence,
        "time": snapshot.time,
        "status": snapshot.status,
        "events": snapshot.events,
        "state": snapshot.state,
    }


def _print_snapshot(snapshot: Snapshot) -> None:
    from penstock.cli.screen import print_fields, print_json

    print_fields(
        [
            ("execution", snapshot.execution_id),
            ("after event", snapshot.sequence),
            ("at", snapshot.time),
            ("status", snapshot.status),
        ]
    )
    print_json(snapshot.state)


async def _export(flags: dict[str, Any], topics: list[str], output: Path | None) -> int:
    from penstock.cli.settings import filled_log, load_here
    from penstock.engine.replay import export as export_log

    async with filled_log(load_here(flags)) as log:
        existing = await log.topics()
        if unknown := [topic for topic in topics if topic not in existing]:
            raise Failed(f"expected topics of the log, but {', '.join(unknown)} is none: {', '.join(sorted(existing))}")
        if output is None:
            written = await export_log(log, topics, _writer(sys.stdout.buffer))
            sys.stdout.flush()
        else:
            with output.open("wb") as file:
                written = await export_log(log, topics, _writer(file))
    say(f"{written:,} records")
    return Code.OK


def _writer(file: BinaryIO) -> Callable[[bytes], None]:
    def write(line: bytes) -> None:
        file.write(line)

    return write
