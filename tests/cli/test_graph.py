"""``penstock graph``: from files in this process, and of an execution in a process of its own, through a gateway."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock.cli.main import app
from penstock.domain.definition.picture import mermaid
from penstock.domain.execution.marks import marks_of
from penstock.log.port import Log
from penstock.sdk.client import Client, Handle
from penstock.tables.pool import Pool
from tests.cli.conftest import Penstock
from tests.docs import pages
from tests.domain.definition import flowchart
from tests.domain.execution.story import Story, complete
from tests.integration.gateway.conftest import log, pool
from tests.integration.gateway.rig import ORDER, PATIENCE, whole, work

__all__ = ["log", "pool"]
PAGE = pages.DOCS / "how-to" / "draw-a-definition.md"
GOOD = "id: good\nversion: 1.0.0\nsteps:\n  first: {task: do-it, next: rest}\n  rest: {wait: 5m}\n"
BAD = "id: bad\nversion: 1.0.0\nsteps:\n  first:\n    task: do-it\n    timeot: 5s\n"
PICTURE = """\
---
title: "good 1.0.0"
---
flowchart TD
    begin(("start"))
    s1["first"]
    s2(["rest"])
    finish((("end")))
    begin --> s1
    s1 --> s2
    s2 --> finish
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def test_a_definition_is_drawn(penstock: Penstock, good: Path) -> None:
    result = penstock("graph", good)
    assert (result.exit_code, result.stdout, result.stderr) == (0, PICTURE, "")


def test_a_dash_is_standard_input(penstock: Penstock) -> None:
    result = CliRunner().invoke(app, ["graph", "-"], input=GOOD)
    assert (result.exit_code, result.stdout) == (0, PICTURE)


def test_a_picture_can_go_to_a_file(penstock: Penstock, good: Path, tmp_path: Path) -> None:
    result = penstock("graph", good, "--output", tmp_path / "good.mmd")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "good.mmd").read_text() == PICTURE


def test_for_programs_a_picture_is_nodes_and_edges(penstock: Penstock, good: Path) -> None:
    drawn = json.loads(penstock("graph", good, "--json").stdout)
    assert (drawn["definition"], drawn["version"], drawn["status"]) == ("good", "1.0.0", None)
    assert [(node["node"], node["step"], node["shape"]) for node in drawn["nodes"]] == [
        ("start", "", "start"),
        ("s1", "first", "task"),
        ("s2", "rest", "wait"),
        ("end", "", "end"),
    ]
    assert [(edge["source"], edge["target"], edge["id"]) for edge in drawn["edges"]] == [
        ("start", "s1", "->first"),
        ("s1", "s2", "first->rest"),
        ("s2", "end", "rest->"),
    ]


def test_an_invalid_definition_gives_what_validate_finds(penstock: Penstock, bad: Path) -> None:
    result, found = penstock("graph", bad), penstock("validate", bad)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown key 'timeot'" in result.stderr
    assert result.stderr.splitlines() == found.stdout.splitlines()[:-1]
    as_json = penstock("graph", bad, "--json")
    assert (as_json.exit_code, as_json.stdout) == (1, penstock("validate", bad, "--json").stdout)


def test_an_invalid_definition_leaves_the_old_picture(penstock: Penstock, bad: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mmd").write_text("old")
    penstock("graph", bad, "--output", tmp_path / "out.mmd")
    assert (tmp_path / "out.mmd").read_text() == "old"


@pytest.mark.parametrize("arguments", [(), ("x.yaml", "--execution", "0192")])
def test_either_a_file_or_an_execution_is_drawn(penstock: Penstock, arguments: tuple[str, ...]) -> None:
    result = penstock("graph", *arguments)
    assert result.exit_code == 2
    assert result.stderr == "penstock: expected either a FILE or --execution ID\n"


def test_a_file_that_cannot_be_read_or_written_is_a_matter_of_usage(
    penstock: Penstock, good: Path, tmp_path: Path
) -> None:
    missing = penstock("graph", tmp_path / "none.yaml")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert str(tmp_path / "none.yaml") in missing.stderr
    assert penstock("graph", tmp_path).exit_code == 2
    assert penstock("graph", good, "--output", tmp_path / "no" / "x.mmd").exit_code == 2


def test_the_examples_of_the_page_are_what_is_drawn(penstock: Penstock, tmp_path: Path) -> None:
    (definition,) = (block.text for block in pages.blocks(PAGE) if block.language == "yaml")
    shown = [block.text for block in pages.blocks(PAGE) if block.language == "mermaid"]
    (tmp_path / "order.yaml").write_text(definition)
    assert penstock("graph", tmp_path / "order.yaml").stdout == shown[0]
    story = Story(definition).started(amount=120).when(complete("check_credit", {"score": 550}))
    assert mermaid(story.definition.graph, marks_of(event for event, _ in story.history)) == shown[1]


async def called(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "penstock.cli.main", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def until_scheduled(started: Handle, step: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while step not in [task.step for task in await started.tasks()]:
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_an_execution_is_drawn_on_its_definition(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, worker), Client(gateway.url) as client:
        await client.publish(ORDER)
        started = await client.start("order", {"amount": 3})
        await work(worker)
        await until_scheduled(started, "ship")
        code, text, said = await called("graph", "--execution", started.id, "--url", gateway.url)
        assert (code, said) == (0, "")
        chart = flowchart.read(text)
        assert chart.title == "order 1.0.0 is running"
        assert [chart.labels[node] for node in ("s1", "s2")] == ["check\ndone", "ship\nopen"]
        code, text, _ = await called("graph", "--execution", started.id, "--url", gateway.url, "--json")
        drawn: dict[str, Any] = json.loads(text)
        assert [(edge["id"], edge["taken"]) for edge in drawn["edges"]] == [
            ("->check", 1),
            ("check->ship", 1),
            ("ship->", 0),
        ]


@pytest.mark.anyio
async def test_an_execution_that_nobody_knows_cannot_be_drawn(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _):
        code, text, said = await called(
            "graph", "--execution", "0192e4c1-0000-7000-8000-000000000001", "--url", gateway.url
        )
        assert (code, text) == (1, "")
        assert "0192e4c1-0000-7000-8000-000000000001" in said
