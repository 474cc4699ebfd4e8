from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from typer.core import TyperGroup

from penstock.cli.main import app
from tests.cli.conftest import Penstock


def commands() -> Iterator[tuple[str, ...]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    yield from _below(root, ())


def _below(group: TyperGroup, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, TyperGroup):
            yield from _below(command, (*path, name))


ALL = list(commands())


def test_every_command_of_the_design_is_there() -> None:
    wanted = (
        "dev serve worker validate graph publish start list show watch pause resume cancel terminate retry export "
        "doctor demo"
    )
    names = {" ".join(path) for path in ALL}
    assert names >= {
        *wanted.split(),
        "diff",
        "topics apply",
        "topics check",
        "replay verify",
        "replay rebuild",
        "replay show",
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_help_of_every_command_has_examples_of_itself(penstock: Penstock, path: tuple[str, ...]) -> None:
    result = penstock(*path, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert f"$ penstock {' '.join(path)}" in result.output


READING = [
    "validate",
    "graph",
    "list",
    "show",
    "watch",
    "topics check",
    "replay verify",
    "replay rebuild",
    "replay show",
    "doctor",
    "definition versions",
    "definition draft show",
    "definition compatibility",
]


@pytest.mark.parametrize("name", READING)
def test_every_reading_command_speaks_json(penstock: Penstock, name: str) -> None:
    assert "--json" in penstock(*name.split(), "--help").output


def test_an_unknown_command_is_a_matter_of_usage(penstock: Penstock) -> None:
    result = penstock("lst")
    assert result.exit_code == 2
    assert "list" in result.output


def test_without_a_command_the_help_is_shown(penstock: Penstock) -> None:
    assert "Usage: penstock" in re.sub(r"\s+", " ", penstock().output)


def test_it_knows_its_version(penstock: Penstock) -> None:
    result = penstock("--version")
    assert result.output == f"penstock {version('penstock')}\n"
    assert result.exit_code == 0


def test_help_loads_none_of_what_makes_programs_slow_to_start() -> None:
    heavy = ("pydantic", "structlog", "fastapi", "aiokafka", "asyncpg", "httpx", "msgspec", "penstock.engine")
    code = f"import sys, penstock.cli.main; sys.exit(' '.join(m for m in {heavy!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
