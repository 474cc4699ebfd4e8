"""``penstock demo``: the whole product in a temporary folder, with real data, and the proof that the log is enough."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.execute import Code, execute, say
from penstock.cli.options import LogLevel, examples

if TYPE_CHECKING:
    from penstock.runtime.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command(epilog=examples("demo", "demo --executions 90"))(demo)


def demo(
    executions: Annotated[
        int | None, typer.Option("--executions", metavar="N", min=1, help="how many, at most [all: 1,200]")
    ] = None,
    log_level: LogLevel = "error",
) -> None:
    """
    Run orders, documents and releases through three definitions, then prove that a replay gives the same state.

    Everything runs in this process and in a temporary folder, which is removed at the end. Exit code 1 if the digests
    of the live state and of the replayed one differ.
    """
    folder = Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    try:
        execute(lambda: _demo(folder, executions, {"log_level": log_level}), serves=True)
    finally:
        # Here, and not in the loop: by now every thread that could still write to it has ended.
        shutil.rmtree(folder, ignore_errors=True)


async def _demo(folder: Path, executions: int | None, flags: dict[str, Any]) -> int:
    from penstock.runtime.settings import load_settings
    from penstock.runtime.telemetry import set_up_logging

    # Nothing of this machine's settings: the demo is the same everywhere.
    defaults = {
        "data": folder,
        "log": f"sqlite:{folder / 'log.sqlite'}",
        "partitions": 2,
        "transport": "http",
        "port": 0,
    }
    settings = load_settings(flags, defaults=defaults, environ={}, folder=folder)
    set_up_logging(settings.log_level, settings.log_format)
    return await _run(settings, executions)


async def _run(settings: Settings, executions: int | None) -> int:
    from penstock.cli.demo import handlers
    from penstock.cli.demo.job import DemoJob
    from penstock.cli.demo.sources import starts
    from penstock.cli.demo.summary import print_proof, print_summary
    from penstock.engine.replay import verify
    from penstock.standalone import PARTS, Standalone

    wanted = starts(executions)
    print(f"penstock demo: {len(wanted):,} executions, embedded (SQLite log, embedded Postgres), in {settings.data}")
    async with Standalone(settings, PARTS, develop=True, handlers=handlers) as standalone:
        job = DemoJob(standalone, wanted)
        code = await standalone.run(job)
        if not job.done:
            say("interrupted" if code == Code.OK else "stopped by a failure; see above")
            return code or Code.INTERRUPTED
        print_summary(job.tally, job.seconds, job.rows)
        equal = print_proof(await verify(standalone.log))
    return Code.OK if equal and code == Code.OK else Code.FAILED
