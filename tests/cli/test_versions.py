"""``penstock definition`` against a real gateway, engine and projector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.log.port import Log
from penstock.sdk.client import Client
from penstock.tables.pool import Pool
from tests.cli.test_graph import called
from tests.integration.gateway.conftest import log, pool
from tests.integration.gateway.rig import ORDER, whole

__all__ = ["log", "pool"]

pytestmark = pytest.mark.anyio

BROKEN = "id: order\nversion: 1.0.0\nsteps:\n  check: {task: check, next: ship}\n"
SOUND = f"{BROKEN}  ship: {{task: ship}}\n"


async def test_a_draft_is_saved_shown_and_published(log: Log, pool: Pool, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    async with whole(log, pool) as (gateway, _):
        url = ("--url", gateway.url)
        file.write_text(BROKEN)
        code, out, err = await called("definition", "draft", "save", str(file), *url)
        assert (code, out) == (0, "draft of order 1.0.0 at revision 1, 1 error\n")
        assert f"{file}:4:" in err
        code, _, err = await called("definition", "draft", "publish", "order", *url)
        assert code == 4
        assert "DEFINITION_INVALID" in err
        code, out, err = await called("definition", "draft", "show", "order", *url)
        assert (code, out) == (0, BROKEN)
        assert "there is no step 'ship'" in err

        file.write_text(SOUND)
        code, _, err = await called("definition", "draft", "save", str(file), "--expected-revision", "7", *url)
        assert code == 4
        assert "DRAFT_CHANGED" in err
        await called("definition", "draft", "save", str(file), "--expected-revision", "1", *url)
        code, out, _ = await called("definition", "draft", "publish", "order", "--revision", "2", *url)
        assert (code, out) == (0, "published: revision 2 of the draft of order\n")
        code, out, _ = await called("definition", "versions", "order", "--json", *url)
        assert [(line["version"], line["status"]) for line in json.loads(out)] == [("1.0.0", "published")]


async def test_a_draft_is_discarded(log: Log, pool: Pool, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(SOUND)
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        url = ("--url", gateway.url)
        await called("definition", "draft", "save", str(file), *url)
        code, out, _ = await called("definition", "draft", "discard", "order", "--json", *url)
        assert code == 0
        assert [one async for one in client.drafts(min_token=json.loads(out)["token"])] == []
        code, _, err = await called("definition", "draft", "show", "order", *url)
        assert code == 1
        assert "DRAFT_UNKNOWN" in err


async def test_a_file_without_an_id_cannot_be_a_draft(tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text("version: 1.0.0\n")
    code, out, err = await called("definition", "draft", "save", str(file))
    assert (code, out) == (1, "")
    assert "nothing was saved" in err


async def test_versions_are_switched_and_archived(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        url = ("--url", gateway.url)
        await client.publish(ORDER)
        for name in ("deactivate", "activate", "archive"):
            code, out, _ = await called("definition", name, "order", "1.0.0", *url)
            assert (code, out) == (0, f"{name}: order 1.0.0\n")
        code, _, err = await called("definition", "activate", "order", "1.0.0", *url)
        assert code == 4
        assert "INVALID_STATE_TRANSITION" in err


async def test_two_versions_and_what_runs_on_the_old_one_are_compared(log: Log, pool: Pool) -> None:
    steps: dict[str, Any] = {**ORDER["steps"], "check": {"wait": "1h", "next": "ship"}}
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        url = ("--url", gateway.url)
        await client.publish(ORDER)
        started = await client.start("order")
        token = (await client.publish({**ORDER, "version": "1.1.0", "steps": steps})).token
        await client.versions("order", min_token=token)
        await started.get()
        code, out, _ = await called("definition", "diff", "order", "1.0.0", "1.1.0", *url)
        assert (code, out.splitlines()[0]) == (1, "step check: kind is wait, and was task")
        code, out, _ = await called("definition", "diff", "order", "1.0.0", "1.0.0", "--format", "json", *url)
        assert (code, json.loads(out)) == (0, [])
        code, out, _ = await called("definition", "compatibility", "order", "1.0.0", "1.1.0", *url)
        assert code == 1
        assert "KIND_CHANGED" in out
        assert out.endswith("1 checked, 0 compatible with 1.1.0\n")
        one = ("--execution", started.id, "--json", *url)
        code, out, _ = await called("definition", "compatibility", "order", "1.0.0", "1.0.0", *one)
        assert code == 0
        assert [(item["execution"], item["compatible"]) for item in json.loads(out)] == [(started.id, True)]
