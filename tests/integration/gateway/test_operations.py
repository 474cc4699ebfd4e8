"""What those see who run a gateway: health, readiness, metrics, docs, and a clean stop."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from penstock.log.port import Log
from penstock.messages.records import Task
from penstock.projector.service import Projector
from penstock.runtime.ids import new_id
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import running, serving, until
from tests.integration.gateway.scripted_engine import scripted

pytestmark = pytest.mark.anyio


async def test_it_is_ready_when_log_and_tables_answer(log: Log, pool: Pool) -> None:
    async with serving(log, pool) as (_, client):
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        early = await client.get("/readyz")
        assert early.status_code == 503
        assert early.json()["checks"]["log"] == "ok"
        assert "projector" in early.json()["checks"]["tables"]
        async with running(Projector(log, pool, idle=0.05)):
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ok")


async def test_it_counts_requests_by_route_and_commands_by_outcome(log: Log, pool: Pool) -> None:
    async with scripted(log, 2) as engine, serving(log, pool) as (_, client):
        engine.script = lambda received: "EXECUTION_ENDED" if received.subject.endswith("x") else ""
        await client.post("/api/v1/executions", json={"definition": "order"})
        await client.post(f"/api/v1/executions/{new_id()}x/cancel")
        text = (await client.get("/metrics")).text
        assert 'penstock_http_requests_total{method="POST",route="/api/v1/executions",status="201"} 1.0' in text
        assert 'route="/api/v1/executions/{execution_id}/cancel",status="409"} 1.0' in text
        assert 'command="penstock.cancel_execution.v1",outcome="EXECUTION_ENDED"} 1.0' in text


async def test_a_stop_answers_long_polls_at_once(log: Log, pool: Pool) -> None:
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        async with serving(log, pool, default_transport="http") as (gateway, _):
            url = f"{gateway.url}/api/v1/queues/default/poll"
            polling = asyncio.create_task(client.post(url, json={"worker": "w", "wait": 30}))
            await until(lambda: [queue.polls for queue in gateway.feed.queues] == [1])
            began = loop.time()
        assert loop.time() - began < 3
        assert (await polling).json() == {"tasks": []}


async def test_a_worker_that_hangs_up_leaves_its_place_to_the_others(log: Log, pool: Pool) -> None:
    async with scripted(log, 2) as engine, serving(log, pool, default_transport="http") as (gateway, client):
        async with httpx.AsyncClient(timeout=60, trust_env=False) as impatient:
            url = f"{gateway.url}/api/v1/queues/default/poll"
            polling = asyncio.create_task(impatient.post(url, json={"worker": "w1", "wait": 30}))
            await until(lambda: gateway.feed.queues[0].polls == 1)
            polling.cancel()
            await asyncio.wait({polling})
        await until(lambda: gateway.feed.queues[0].polls == 0)
        task = Task(id="e/s/1/1", execution_id="e", step="s", visit=1, attempt=1, task="t", queue="default")
        await engine.offer(task)
        (offer,) = (await client.post(url, json={"worker": "w2", "wait": 5})).json()["tasks"]
        assert offer["task"]["id"] == task.id


async def test_the_docs_page_brings_everything_with_it(log: Log, pool: Pool) -> None:
    async with serving(log, pool) as (_, client):
        page = await client.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        parts = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
        assert parts
        for part in parts:
            assert part.startswith("/docs/"), part
            assert (await client.get(part)).status_code == 200
        assert "style=" not in page.text
        assert not re.search(r"<script(?![^>]*src)", page.text)
        assert (await client.get("/docs/../service.py")).status_code == 404


async def test_openapi_tells_of_every_route_with_its_problems(log: Log, pool: Pool) -> None:
    async with serving(log, pool) as (_, client):
        schema = (await client.get("/openapi.json")).json()
        operations = {
            (method, path): operation
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
        }
        assert len(operations) >= 25
        for (method, path), operation in operations.items():
            assert operation["tags"], (method, path)
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            if path.startswith("/api/"):
                assert "503" in operation["responses"], (method, path)
                content = operation["responses"]["503"]["content"]
                assert list(content) == ["application/problem+json"]
        query = operations["get", "/api/v1/executions/{execution_id}"]
        assert {"Penstock-Age", "Penstock-Token"} <= query["responses"]["200"]["headers"].keys()
        assert "min_token" in {p["name"] for p in query["parameters"]}
        refs = set(re.findall(r'"#/components/schemas/([^"]+)"', (await client.get("/openapi.json")).text))
        assert refs <= schema["components"]["schemas"].keys()
