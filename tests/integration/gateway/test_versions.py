"""The life of definitions over HTTP, with the real engine and the real projector."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock.log.port import Log
from penstock.sdk.client import Client
from penstock.sdk.refusals import NotFound, Rejected
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import ORDER, whole, work

pytestmark = pytest.mark.anyio
API = "/api/v1"
DRAFT = f"{API}/definitions/order/draft"


def order(version: str, **steps: Any) -> dict[str, Any]:
    return {**ORDER, "version": version, "steps": {**ORDER["steps"], **steps}}


async def told(client: httpx.AsyncClient, path: str, token: str = "", **query: Any) -> dict[str, Any]:
    answer = await client.get(path, params={**query, **({"min_token": token} if token else {})})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_draft_is_saved_shown_and_published(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        yaml = {"content-type": "application/yaml"}
        text = (
            "id: order\nversion: 1.0.0\nsteps:\n  zz: {task: t, next: a}\n  a: {task: t, queue: hall, next: nowhere}\n"
        )
        saved = (await client.put(DRAFT, content=text, headers=yaml, params={"by": "ann"})).json()
        assert [(found["code"], found["line"]) for found in saved["findings"]] == [("DANGLING_REFERENCE", 5)]
        draft = await told(client, DRAFT, saved["token"])
        assert (draft["revision"], draft["errors"], draft["saved_by"], draft["version"]) == (1, 1, "ann", "1.0.0")
        assert [found["path"] for found in draft["findings"]] == ["steps.a.next"]
        assert list(draft["source"]["steps"]) == ["zz", "a"]

        refused = await client.post(f"{DRAFT}/publish", params={"revision": 1})
        assert (refused.status_code, refused.json()["code"]) == (422, "DEFINITION_INVALID")
        mended = text.replace(", next: nowhere", "")
        again = await client.put(DRAFT, content=mended, headers=yaml, params={"expected_revision": 1})
        assert again.json()["findings"] == []
        published = await client.post(f"{DRAFT}/publish", params={"revision": 2})
        assert published.status_code == 200, published.text
        version = await told(client, f"{API}/definitions/order/versions/1.0.0", published.json()["token"])
        assert list(version["graph"]["steps"]) == ["zz", "a"]
        gone = await client.get(DRAFT)
        assert (gone.status_code, gone.json()["code"]) == (404, "DRAFT_UNKNOWN")
        assert (await log.topics())["tasks.hall"] == 2
        started = await client.post(f"{API}/executions", json={"definition": "order"})
        assert started.status_code == 201


async def test_a_draft_that_somebody_else_changed_is_not_overwritten(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        for version in ("1.0.0", "1.1.0"):
            assert (await client.put(DRAFT, json=order(version))).status_code == 200
        late = await client.put(DRAFT, json=order("1.2.0"), params={"expected_revision": 1})
        assert (late.status_code, late.json()["code"]) == (409, "DRAFT_CHANGED")
        kept = await client.delete(DRAFT, params={"expected_revision": 1})
        assert kept.json()["code"] == "DRAFT_CHANGED"
        token = (await client.delete(DRAFT, params={"expected_revision": 2})).json()["token"]
        assert (await told(client, f"{API}/drafts", token))["items"] == []


async def test_the_history_of_a_definition_has_every_version_and_its_status(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        for version in ("1.0.0", "1.1.0", "1.10.0"):
            await client.publish(order(version))
        await client.deactivate("order", "1.1.0")
        await client.archive("order", "1.0.0")
        receipt = await client.save_draft("order", order("2.0.0"))
        lines = await client.versions("order", min_token=receipt.token)
        assert [(line.version, line.status, line.revision) for line in lines] == [
            ("2.0.0", "draft", 1),
            ("1.10.0", "published", None),
            ("1.1.0", "inactive", None),
            ("1.0.0", "archived", None),
        ]
        assert all(line.published_at for line in lines if line.status != "draft")
        assert {line.saved_by or line.published_by for line in lines} == {"ann"}
        assert [(one.id, one.errors) async for one in client.drafts()] == [("order", 0)]
        with pytest.raises(NotFound, match="DEFINITION_UNKNOWN"):
            await client.versions("nothing")
        token = (await client.activate("order", "1.1.0")).token
        assert [line.status for line in await client.versions("order", min_token=token)][2] == "published"


async def test_an_archived_version_takes_nothing_new_and_what_runs_goes_on(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, worker), Client(gateway.url) as client:
        await client.publish(ORDER)
        running = await client.start("order")
        await client.archive("order", "1.0.0")
        with pytest.raises(Rejected, match="DEFINITION_INACTIVE"):
            await client.start("order")
        with pytest.raises(Rejected, match=r"DEFINITION_INACTIVE.*archived"):
            await client.start("order", version="1.0.0")
        with pytest.raises(Rejected, match=r"INVALID_STATE_TRANSITION.*archived"):
            await client.activate("order", "1.0.0")
        for _ in range(2):
            await work(worker)
        assert await running.result(timeout=10) == {"score": 7}


async def test_two_versions_are_told_apart_change_by_change(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        await client.publish(ORDER)
        published = await client.publish(order("1.1.0", ship={"task": "ship", "queue": "shop", "timeout": "1m"}))
        found = await client.diff("order", "1.0.0", "1.1.0", min_token=published.token)
        assert (found.old, found.to) == ("1.0.0", "1.1.0")
        assert [str(change) for change in found.changes] == ["step ship: timeout is new: 60.0"]
        body = await told(http, f"{API}/definitions/order/diff", **{"from": "1.0.0", "to": "1.1.0"})
        assert [change["text"] for change in body["changes"]] == ["step ship: timeout is new: 60.0"]
        assert (await client.diff("order", "1.0.0", "1.0.0")).changes == ()
        with pytest.raises(NotFound, match="DEFINITION_UNKNOWN"):
            await client.diff("order", "1.0.0", "9.0.0")


async def test_running_executions_are_held_against_another_version(log: Log, pool: Pool) -> None:
    fork = {"start": ["left", "right"], "queues": ORDER["queues"], "id": "fork"}
    both = {"both": {"task": "t", "queue": "shop", "join": "all"}}
    old = {"left": {"task": "t", "queue": "shop", "next": "both"}, "right": {"wait": "1h", "next": "both"}}
    new = {"left": {"task": "t", "queue": "shop", "next": "both"}, "right": {"task": "t", "next": "both"}}
    other = {"both": {"task": "t", "queue": "shop"}}
    async with whole(log, pool) as (gateway, worker), Client(gateway.url) as client:
        await client.publish({**fork, "version": "1.0.0", "steps": {**old, **both}})
        await client.publish({**fork, "version": "1.1.0", "steps": {**new, **other}})
        first, second = [await client.start("fork", version="1.0.0") for _ in range(2)]
        await work(worker)
        ended = await client.start("fork", version="1.0.0")
        token = (await ended.cancel()).token
        for handle in (first, second):
            await handle.get()

        found = {one.execution: one async for one in client.compatibility("fork", "1.0.0", "1.1.0", min_token=token)}
        assert set(found) == {first.id, second.id}
        assert {one.steps: one.tokens for one in found.values()} == {("left", "right"): (), ("right",): ("left->both",)}
        assert sorted([problem.code for problem in one.problems] for one in found.values()) == [
            ["KIND_CHANGED"],
            ["KIND_CHANGED", "JOIN_CHANGED"],
        ]
        same = [one async for one in client.compatibility("fork", "1.0.0", "1.0.0")]
        assert [one.compatible for one in same] == [True, True]
        alone = [one async for one in client.compatibility("fork", "1.0.0", "1.1.0", execution=first.id)]
        assert [one.execution for one in alone] == [first.id]
        with pytest.raises(Rejected, match="cancelled"):
            _ = [one async for one in client.compatibility("fork", "1.0.0", "1.1.0", execution=ended.id)]
