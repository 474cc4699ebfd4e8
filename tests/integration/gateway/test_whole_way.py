"""From an HTTP call to a read model and back, with the real engine and the real projector."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from penstock.log.port import Log
from penstock.runtime.ids import new_id
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import ORDER, whole, work

pytestmark = pytest.mark.anyio
API = "/api/v1"


async def publish(client: httpx.AsyncClient, source: dict[str, Any] = ORDER) -> dict[str, Any]:
    answer = await client.post(f"{API}/definitions", json=source)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def start(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{API}/executions", json={"definition": "order", **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_an_execution_is_started_worked_on_and_read_back(sqlite: Log, pool: Pool) -> None:
    async with whole(sqlite, pool) as (_, client):
        published = await publish(client)
        assert published["version"] == "1.0.0"
        assert len(published["digest"]) == 64
        assert published["token"].startswith("c0.")
        started = await start(client, input={"amount": 3}, business_key="k1", tags=["vip"])
        id_ = started["id"]

        fresh = await client.get(f"{API}/executions/{id_}", params={"min_token": started["token"]})
        assert fresh.json()["status"] == "running"
        assert fresh.json()["business_key"] == "k1"
        assert float(fresh.headers["penstock-age"]) < 5
        assert fresh.headers["penstock-token"].startswith("e0.")

        assert [o["task"]["task"] for o in await work(client)] == ["check"]
        assert [o["task"]["task"] for o in await work(client)] == ["ship"]
        ended = await client.get(f"{API}/executions/{id_}/wait", params={"timeout": 10})
        assert ended.json()["ended"] is True
        assert ended.json()["execution"]["status"] == "completed"
        assert ended.json()["execution"]["output"] == {"score": 7}

        tasks = (await client.get(f"{API}/executions/{id_}/tasks")).json()["items"]
        assert [(t["step"], t["status"], t["worker"]) for t in tasks] == [
            ("check", "completed", "w1"),
            ("ship", "completed", "w1"),
        ]
        listed = (await client.get(f"{API}/tasks", params={"task": "ship", "status": "completed"})).json()["items"]
        assert [t["execution_id"] for t in listed] == [id_]


async def test_the_events_of_an_execution_are_those_of_the_log_byte_for_byte(sqlite: Log, pool: Pool) -> None:
    from penstock.log.port import TopicPartition
    from penstock.log.topics import EVENTS

    async with whole(sqlite, pool) as (_, client):
        await publish(client)
        first, second = await start(client), await start(client)
        for _ in range(4):
            await work(client)
        for started in (first, second):
            await client.get(f"{API}/executions/{started['id']}/wait", params={"timeout": 10})
        timeline = (await client.get(f"{API}/executions/{first['id']}/timeline")).json()["items"]
        reader = await sqlite.reader({TopicPartition(EVENTS, 0): 0})
        stored = {record.position: record.value for record in await reader.read(limit=1000)}
        await reader.close()
        expected = [stored[item["position"]] for item in timeline]

        whole_page = await client.get(f"{API}/executions/{first['id']}/events")
        assert whole_page.headers["content-type"] == "application/cloudevents-batch+json"
        assert whole_page.content == b"[" + b",\n".join(value or b"" for value in expected) + b"]"

        pages, url = [], f"{API}/executions/{first['id']}/events?limit=2"
        while url:
            page = await client.get(url)
            pages += page.json()
            url = page.links.get("next", {}).get("url", "")
        assert pages == [json.loads(value or b"") for value in expected]
        assert [event["sequence"] for event in pages] == [str(n) for n in range(1, len(pages) + 1)]


async def test_every_way_to_steer_an_execution_is_a_command_with_a_token(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client)
        id_ = (await start(client))["id"]

        async def steer(verb: str, **body: str) -> str:
            answer = await client.post(f"{API}/executions/{id_}/{verb}", json=body)
            assert answer.status_code == 200, answer.text
            shown = await client.get(f"{API}/executions/{id_}", params={"min_token": answer.json()["token"]})
            return str(shown.json()["status"])

        assert await steer("pause", reason="lunch") == "paused"
        assert await steer("resume") == "running"
        assert await steer("cancel", reason="no longer wanted") == "cancelled"
        again = await client.post(f"{API}/executions/{id_}/terminate")
        assert (again.status_code, again.json()["code"]) == (409, "EXECUTION_ENDED")
        other = (await start(client))["id"]
        ended = await client.post(f"{API}/executions/{other}/terminate")
        assert ended.status_code == 200


async def test_a_failed_execution_can_be_retried(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client)
        id_ = (await start(client))["id"]
        (offer,) = (await client.post(f"{API}/queues/shop/poll", json={"worker": "w", "wait": 10})).json()["tasks"]
        failure = {"code": "CARD_STOLEN", "message": "call the police", "retryable": False, "kind": "business"}
        named = {"task_id": offer["task"]["id"], "token": offer["token"], "worker": "w"}
        unknown = {**failure, "kind": "weather"}
        assert (await client.post(f"{API}/tasks/fail", json={**named, "failure": unknown})).status_code == 422
        assert (await client.post(f"{API}/tasks/fail", json={**named, "failure": failure})).status_code == 200
        failed = (await client.get(f"{API}/executions/{id_}/wait", params={"timeout": 10})).json()
        assert failed["ended"] is True
        assert failed["execution"]["status"] == "failed"
        assert failed["execution"]["failure"] == failure
        late = await client.post(f"{API}/tasks/complete", json={**named, "output": 1})
        assert (late.status_code, late.json()["code"]) == (409, "TASK_NOT_OPEN")

        retried = await client.post(f"{API}/executions/{id_}/retry")
        assert retried.status_code == 200
        for _ in range(2):
            await work(client)
        wanted = {"timeout": 10, "min_token": retried.json()["token"]}
        ended = (await client.get(f"{API}/executions/{id_}/wait", params=wanted)).json()
        assert ended["execution"]["status"] == "completed"


async def test_the_same_key_gets_the_same_answer_and_starts_once(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client)
        key = {"Idempotency-Key": new_id()}
        body = {"definition": "order", "input": {}}
        first = await client.post(f"{API}/executions", json=body, headers=key)
        second = await client.post(f"{API}/executions", json=body, headers=key)
        assert first.status_code == second.status_code == 201
        assert first.json()["id"] == second.json()["id"] == key["Idempotency-Key"]
        listed = await client.get(f"{API}/executions", params={"min_token": second.json()["token"]})
        assert len(listed.json()["items"]) == 1


async def test_lists_are_filtered_and_paged_by_key(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client)
        made = [await start(client, tags=["odd"] if n % 2 else []) for n in range(5)]
        tokens = [("min_token", m["token"]) for m in made]
        everything, cursor = [], None
        while True:
            params = [*tokens, ("limit", "2"), *([("cursor", cursor)] if cursor else [])]
            page = (await client.get(f"{API}/executions", params=params)).json()
            everything += [item["id"] for item in page["items"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert everything == [m["id"] for m in reversed(made)]
        odd = (await client.get(f"{API}/executions", params={"tag": "odd"})).json()["items"]
        assert {item["id"] for item in odd} == {made[1]["id"], made[3]["id"]}
        bad = await client.get(f"{API}/executions", params={"cursor": "nonsense"})
        assert (bad.status_code, bad.json()["code"]) == (422, "CURSOR_INVALID")


async def test_definitions_are_published_read_and_switched_off(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        text = "id: tiny\nversion: 1.0.0\nsteps:\n  one:\n    task: noop\n"
        answer = await client.post(f"{API}/definitions", content=text, headers={"content-type": "application/yaml"})
        assert answer.status_code == 201, answer.text
        token = {"min_token": answer.json()["token"]}
        version = (await client.get(f"{API}/definitions/tiny/versions/1.0.0", params=token)).json()
        assert version["source"]["steps"] == {"one": {"task": "noop"}}
        assert version["graph"]["steps"]["one"]["task"] == "noop"
        assert version["digest"] == answer.json()["digest"]

        off = await client.post(f"{API}/definitions/tiny/versions/1.0.0/deactivate")
        shown = await client.get(f"{API}/definitions/tiny", params={"min_token": off.json()["token"]})
        assert shown.json()["versions"][0]["active"] is False
        refused = await client.post(f"{API}/executions", json={"definition": "tiny"})
        assert (refused.status_code, refused.json()["code"]) == (409, "DEFINITION_INACTIVE")
        assert (await client.post(f"{API}/definitions/tiny/versions/1.0.0/activate")).status_code == 200
        changed = await client.post(
            f"{API}/definitions", content=text.replace("noop", "other"), headers={"content-type": "application/yaml"}
        )
        assert (changed.status_code, changed.json()["code"]) == (409, "VERSION_EXISTS")


async def test_a_claimed_task_is_handed_out_once_and_kept_alive_by_heartbeats(log: Log, pool: Pool) -> None:
    long = {
        "id": "long",
        "version": "1.0.0",
        "queues": {"shop": {"transport": "http"}},
        "steps": {"render": {"task": "render", "queue": "shop", "timeout": "5m", "heartbeat": "20s"}},
    }
    async with whole(log, pool) as (gateway, client):
        await publish(client, long)
        id_ = (await client.post(f"{API}/executions", json={"definition": "long"})).json()["id"]
        (offer,) = (await client.post(f"{API}/queues/shop/poll", json={"worker": "w", "wait": 10})).json()["tasks"]
        assert not await gateway.feed.poll("shop", "w2", None, 1, 0.0)
        named = {"task_id": offer["task"]["id"], "token": offer["token"]}
        assert (await client.post(f"{API}/tasks/heartbeat", json=named)).status_code == 200
        stolen = await client.post(f"{API}/tasks/heartbeat", json={**named, "token": "another"})
        assert (stolen.status_code, stolen.json()["code"]) == (409, "ATTEMPT_SUPERSEDED")
        await client.post(f"{API}/executions/{id_}/cancel")
        withdrawn = await client.post(f"{API}/tasks/complete", json={**named, "output": 1, "worker": "w"})
        assert withdrawn.status_code == 409


async def test_a_start_that_waits_answers_with_the_result(log: Log, pool: Pool) -> None:
    import asyncio

    async with whole(log, pool) as (_, client):
        await publish(client)
        waiting = asyncio.create_task(start(client, wait=10))
        for _ in range(2):
            await work(client)
        body = await waiting
        assert (body["status"], body["output"], body["ended"]) == ("completed", {"score": 7}, True)
