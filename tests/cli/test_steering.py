"""``penstock execution`` against a real gateway, engine and projector."""

from __future__ import annotations

import json

import pytest

from penstock.log.port import Log
from penstock.sdk.client import Client
from penstock.tables.pool import Pool
from tests.cli.conftest import Penstock
from tests.cli.test_graph import called
from tests.integration.gateway.conftest import log, pool
from tests.integration.gateway.rig import whole
from tests.integration.gateway.test_steering import DESK, begun

__all__ = ["log", "pool"]

pytestmark = pytest.mark.anyio


async def test_steps_are_steered_one_command_after_the_other(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = (await begun(client)).id
        url = ("--url", gateway.url)
        lines = (
            ("start-step", desk, "change"),
            ("skip-step", desk, "change", "--reason", "not needed"),
            ("set", desk, "limit=500", "name=Ann", 'list=[1, "two"]'),
            ("add-task", desk, "call-them", "call", "--queue", "shop", "--input", '{"tel": "110"}'),
            ("complete-step", desk, "ask", "--output", '{"said": "yes"}'),
            ("add-items", desk, "reviews", "[2, 3]"),
            ("cancel-step", desk, "review", "--reason", "too many"),
            ("rerun", desk, "ask"),
        )
        for line in lines:
            assert await called("execution", *line, *url) == (0, f"{desk}\n", ""), line
        tasks = {task.step: task for task in await client.tasks(desk)}
        assert (tasks["call-them"].input, tasks["call-them"].queue) == ({"tel": "110"}, "shop")
        code, out, _ = await called("execution", "variables", desk, "--json", *url)
        assert code == 0
        values = {variable["name"]: variable["value"] for variable in json.loads(out)}
        assert values == {"limit": 500, "name": "Ann", "list": [1, "two"]}
        code, out, _ = await called("execution", "progress", desk, *url)
        assert code == 0
        assert "progress" in out


async def test_a_command_that_is_repeated_under_its_id_is_done_once(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = (await begun(client)).id
        line = ("execution", "add-task", desk, "call", "call", "-q", "shop", "--command-id", "ticket-1", "--json")
        for _ in range(2):
            code, out, _ = await called(*line, "--url", gateway.url)
            assert code == 0
            assert json.loads(out)["command_id"] == "ticket-1"
        tasks = await client.tasks(desk, min_token=json.loads(out)["token"])
        assert [task.step for task in tasks].count("call") == 1


async def test_a_refusal_is_exit_code_4_and_an_unknown_execution_1(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = (await begun(client)).id
        code, out, err = await called("execution", "complete-step", desk, "done", "--url", gateway.url)
        assert (code, out) == (4, "")
        assert "STEP_NOT_OPEN" in err
        code, _, err = await called("execution", "skip-step", "nobody", "ask", "--url", gateway.url)
        assert code == 1
        assert "EXECUTION_UNKNOWN" in err


async def test_a_dry_run_of_a_migration_says_what_stands_in_the_way(log: Log, pool: Pool) -> None:
    gone = DESK | {"version": "2.0.0", "start": "done", "steps": {"done": DESK["steps"]["done"]}}
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = await begun(client)
        same = DESK | {"version": "1.1.0"}
        for source in (gone, same):
            published = await client.publish(source)
            await client.definition("desk", source["version"], min_token=published.token)
        await desk.get()
        url = ("--url", gateway.url)
        code, out, _ = await called("execution", "migrate", desk.id, "2.0.0", "--dry-run", *url)
        assert code == 1
        assert "STEP_REMOVED" in out
        code, out, err = await called("execution", "migrate", desk.id, "2.0.0", *url)
        assert code == 4
        assert "MIGRATION_IMPOSSIBLE" in err
        said = f"{desk.id} could go on by 1.1.0\n"
        assert await called("execution", "migrate", desk.id, "1.1.0", "--dry-run", *url) == (0, said, "")
        said = f"{desk.id} goes on by 1.1.0\n"
        assert await called("execution", "migrate", desk.id, "1.1.0", *url) == (0, said, "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("set", "x", "limit"), "expected NAME=VALUE"),
        (("add-items", "x", "s", "7"), "ITEMS: expected a JSON list"),
        (("complete-step", "x", "s", "-o", "{"), "--output: expected JSON"),
        (("add-task", "x", "n", "t", "-i", "@none.json"), "--input: expected JSON"),
        (("cancel-step", "x", "s", "--visit", "0"), "--visit"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_not_well_said_is_a_matter_of_usage(penstock: Penstock, line: tuple[str, ...], said: str) -> None:
    result = penstock("execution", *line, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert said in result.stderr
