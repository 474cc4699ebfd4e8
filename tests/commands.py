"""Whether a line that starts with `penstock` is one that the command line takes. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from penstock.cli.main import app


class CommandUnknown(Exception):
    """There is no such command."""


def parse(arguments: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """
    The command that ``arguments`` (without the leading `penstock`) name, and the values of its parameters.

    Raises:
        CommandUnknown: there is none.
        UsageError: (of click, as typer carries it) an argument or option is missing, unknown, or of another kind.

    """
    command: Any = typer.main.get_command(app)
    path: list[str] = []
    rest = list(arguments)
    while hasattr(command, "commands"):
        if not rest or rest[0] not in command.commands:
            raise CommandUnknown(f"expected a command of {' '.join(['penstock', *path])!r}, but got {rest[:1]}")
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    if "--help" in rest:
        return tuple(path), {}
    context = command.make_context(" ".join(["penstock", *path]), rest)
    return tuple(path), dict(context.params)


def leaves() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its path."""
    yield from _below((), typer.main.get_command(app))


def _below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from _below((*path, name), child)
