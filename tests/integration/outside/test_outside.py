"""Clients that are not ours: Kafka's console producer gives orders, its console consumer tells what came of them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from penstock.log.port import Log
from penstock.log.topics import partition_of
from penstock.projections import executions, tasks
from penstock.tables.pool import Pool
from tests.integration.outside.fold import ENDED, BrokenChain, Told, fold
from tests.integration.outside.scene import PARTITIONS, STORIES, Scene
from tests.integration.projector.following import applied, running

pytestmark = pytest.mark.anyio

SCHEMAS = Path(__file__).parents[3] / "schemas"
HISTORIES = Path(__file__).parents[2] / "histories"
WEIGH, SHIP = "weigh", "ship"

ENDS: dict[str, tuple[str, Any, list[tuple[str, int, int]]]] = {
    "completed": ("completed", {"grams": 900, "to": "Zoë, 中"}, []),
    "paused and resumed": ("running", None, [(SHIP, 2, 1)]),
    "retried": ("completed", {"grams": 7, "to": "Zoë, 中"}, []),
    "waiting": ("waiting", None, []),
    "cancelled": ("cancelled", None, []),
    "failed": ("failed", None, []),
}
"""Status, output and open tasks (step, visit, attempt) of each story."""


def told(scene: Scene) -> dict[str, Told]:
    return fold(line.value for line in scene.events)


def of(scene: Scene, execution: str) -> list[dict[str, Any]]:
    return [line.event for line in scene.events if line.event["subject"] == execution]


@pytest.mark.parametrize("story", STORIES)
def test_typed_commands_bring_an_execution_where_they_say(scene: Scene, story: str) -> None:
    found = told(scene)[scene.executions[story]]
    assert (found.status, found.output, found.open_tasks) == ENDS[story]


def test_a_start_that_is_typed_twice_runs_once(scene: Scene) -> None:
    kinds = [event["type"] for event in of(scene, scene.executions["completed"])]
    assert kinds.count("penstock.execution_started.v1") == 1
    assert len(kinds) == 6


def test_an_attempt_that_failed_is_made_again_and_once_more_after_the_retry(scene: Scene) -> None:
    attempts = told(scene)[scene.executions["retried"]].tasks
    assert {key: task["status"] for key, task in attempts.items()} == {
        (1, 1): "failed",
        (1, 2): "failed",
        (1, 3): "completed",
        (2, 1): "completed",
    }


def test_everything_typed_fits_the_schemas(scene: Scene) -> None:
    for text in scene.typed:
        typed = json.loads(text)
        validator("commands", typed["type"]).validate(typed)


def test_every_event_that_the_console_consumer_printed_fits_its_schema(scene: Scene) -> None:
    for line in (*scene.events, *scene.catalog):
        validator("events", line.event["type"]).validate(line.event)
    kinds = {line.event["type"].split(".")[1] for line in (*scene.events, *scene.catalog)}
    assert kinds >= {"definition_published", "task_claimed", "timer_started", "ownership_taken", "position_advanced"}


def test_the_catalog_chains_as_well(scene: Scene) -> None:
    assert fold(line.value for line in scene.catalog)["parcels"].sequence == 3


def test_the_key_and_the_partition_are_those_of_the_root(scene: Scene) -> None:
    """Kafka's own producer chose the partition of each command; the engine would have refused another than ours."""
    for line in scene.events:
        if not line.key.startswith("partition/"):
            assert line.key == line.event["subject"]
            assert line.partition == partition_of(line.key.encode(), PARTITIONS)


def test_the_independent_fold_agrees_with_the_replay(scene: Scene) -> None:
    for story, execution in scene.executions.items():
        found, shown = told(scene)[execution], scene.shown[story]
        assert (found.status, found.sequence) == (shown.status, shown.sequence)
        if found.status in ENDED:
            assert (shown.state["type"], shown.state["outcome"]) == ("ended", found.status)
            assert shown.state.get("output") == found.output
        visits = shown.state.get("visits", {}).items()
        open_tasks = [(v["step"], int(n), v.get("attempt", 1)) for n, v in visits if v["type"] == "task"]
        assert found.open_tasks == sorted(open_tasks, key=lambda task: task[1:])


@pytest.mark.postgres
async def test_the_independent_fold_agrees_with_the_tables(scene: Scene, log: Log, pool: Pool) -> None:
    async with running(log, pool):
        for partition in range(PARTITIONS):
            last = max(int(line.event["inputposition"]) for line in scene.events if line.partition == partition)
            await applied(pool, last, partition)
    for execution, found in told(scene).items():
        row = await executions.get(pool, execution)
        assert row is not None
        assert (row["status"], row["output"], row["sequence"]) == (found.status, found.output, found.sequence)
        rows = await tasks.of_execution(pool, execution)
        of_rows = {(r["visit"], r["attempt"]): {name: r[name] for name in ("step", "task", "status")} for r in rows}
        assert of_rows == found.tasks


def test_the_fold_notices_a_changed_and_a_missing_event() -> None:
    values = (HISTORIES / "v1" / "failed-and-retried.jsonl").read_bytes().splitlines()
    assert fold(values)
    with pytest.raises(BrokenChain, match="the event before"):
        fold([values[0].replace(b"4111", b"4112"), *values[1:]])
    with pytest.raises(BrokenChain, match="expected sequence 3"):
        fold([*values[:2], *values[3:]])


@pytest.mark.parametrize("module", ["fold.py", "typed.py", "console.py"])
def test_an_outside_client_imports_nothing_of_the_product(module: str) -> None:
    tree = ast.parse((Path(__file__).parent / module).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names
    assert not [name for name in names if name.startswith(("penstock", "tests"))]


def validator(folder: str, name: str) -> Draft202012Validator:
    path = SCHEMAS / folder / f"{name.removeprefix('penstock.')}.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
