"""``penstock doctor`` looks at what executions wait for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.execution import events as e
from penstock.log.port import Log
from penstock.log.sqlite import SqliteLog
from penstock.log.topics import product_topics
from penstock.messages.registry import Event
from penstock.sdk.client import Client
from penstock.tables.pool import Pool
from tests.cli.test_graph import called
from tests.integration.gateway.conftest import pool, sqlite
from tests.integration.gateway.rig import whole
from tests.projections.story import at, batch, recorded, started

__all__ = ["pool", "sqlite"]

pytestmark = pytest.mark.anyio
TIMER = e.TimerStarted(visit=1, step="nap", due_at=at(60))
CHILD = e.ChildStarted(visit=1, step="call", child="x1:1", definition="w")


async def waits(path: Path, *events: Event) -> tuple[int | None, list[dict[str, Any]]]:
    log = await SqliteLog.open(path)
    await log.apply(product_topics(1))
    await log.send([batch(recorded(event, number) for number, event in enumerate(events, 1))])
    await log.close()
    code, out, _ = await called("doctor", "--log", f"sqlite:{path}", "--json")
    return code, [check for check in json.loads(out) if check["name"] == "waits"]


async def test_executions_whose_waits_have_owners_are_good(tmp_path: Path) -> None:
    _, checks = await waits(tmp_path / "log.sqlite", started(), TIMER)
    assert [(check["verdict"], check["found"].split(",")[0]) for check in checks] == [("good", "1 executions")]


BUSY: dict[str, Any] = {
    "id": "busy",
    "version": "1.0.0",
    "steps": {
        "fork": {"parallel": ["listen", "hear", "nap", "work", "desk", "next_desk", "call", "all"]},
        "listen": {"wait": {"message": "paid", "key": "k"}},
        "hear": {"wait": {"signal": "stop"}},
        "nap": {"wait": "1h"},
        "work": {"task": "work"},
        "desk": {"wait": "1h", "lock": {"name": "desk", "shared": True}},
        "next_desk": {"wait": "1h", "lock": {"name": "desk", "shared": True}},
        "call": {"workflow": "called"},
        "all": {"each": 3, "at_once": 1, "do": {"one": {"wait": {"message": "go", "key": "{{ index }}"}}}},
    },
}
CALLED = {"id": "called", "version": "1.0.0", "steps": {"rest": {"wait": "1h"}}}


async def test_an_engine_that_runs_leaves_nothing_without_an_owner(sqlite: Log, pool: Pool, tmp_path: Path) -> None:
    async with whole(sqlite, pool) as (gateway, _), Client(gateway.url) as client:
        await client.publish(CALLED)
        await client.publish(BUSY)
        for _ in range(3):
            await client.start("busy")
        paused = await client.start("busy")
        await paused.pause()
        _, out, _ = await called("doctor", "--log", f"sqlite:{tmp_path / 'log.db'}", "--json")
    (check,) = [check for check in json.loads(out) if check["name"] == "waits"]
    assert check["verdict"] == "good", check
    assert check["found"].startswith("8 executions")


async def test_a_wait_without_an_owner_is_named_with_its_ids_and_is_bad(tmp_path: Path) -> None:
    code, checks = await waits(tmp_path / "log.sqlite", started(), CHILD)
    assert code == 1
    assert [check["verdict"] for check in checks] == ["bad", "bad"]
    assert checks[0]["found"] == "x1, visit 1 call: the execution x1:1 that it waits for is not there"
    assert "1 waits without an owner" in checks[1]["found"]
    assert "penstock execution" in checks[1]["advice"]
