"""The command ``penstock``: every command, each imported with what it needs only when it is called."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from types import TracebackType
from typing import Annotated

import typer

from penstock.cli import (
    definitions,
    dev,
    doctor,
    executions,
    graph,
    messages,
    operations,
    replay,
    schedules,
    serve,
    steering,
    topics,
    versions,
    watch,
)
from penstock.cli.demo import command as demo
from penstock.cli.execute import DEBUG

app = typer.Typer(
    name="penstock",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings: flags, then PENSTOCK_* variables, then penstock.toml. "
    "Exit codes: 0 good, 1 failed, 2 usage, 3 unreachable, 4 refused.",
)
for module in (
    dev,
    demo,
    serve,
    topics,
    definitions,
    graph,
    versions,
    executions,
    steering,
    messages,
    schedules,
    operations,
    watch,
    replay,
    doctor,
):
    module.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"penstock {version('penstock')}")
        raise typer.Exit


@app.callback()
def penstock(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Event-sourced workflows: commands in, immutable events out, read models in your own Postgres."""
    if debug:
        os.environ[DEBUG] = "1"


def run() -> None:
    """The entry point."""
    sys.excepthook = _say_defect
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever follows through a pipe sees each line when it is said
    # Not ``app()``: it would put an exception hook of its own in front of ours.
    typer.main.get_command(app)(prog_name="penstock")


def _say_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody expected is a defect of ours; people get a line, and the traceback where they ask for it."""
    if os.environ.get(DEBUG):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"penstock: defect: {kind.__name__}: {error} (`penstock --debug ...` shows where)", file=sys.stderr)


if __name__ == "__main__":
    run()
