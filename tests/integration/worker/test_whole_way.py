"""Workers with the real engine, by every transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.domain.rejected import Rejected
from penstock.log.port import Log
from penstock.log.sqlite import SqliteLog
from penstock.log.topics import product_topics
from penstock.sdk import HttpTransport, LocalTransport, LogTransport, TaskContext, TaskFailed, Worker, task
from penstock.sdk.transport import Transport
from penstock.tables.pool import Pool
from tests.integration.engine.rig import Rig
from tests.integration.gateway.conftest import pool  # noqa: F401 - a fixture
from tests.integration.gateway.rig import running, whole

pytestmark = pytest.mark.anyio

FLAKY = {
    "id": "flaky",
    "version": "1.0.0",
    "queues": {"shop": {"transport": "http"}},
    "steps": {
        "charge": {
            "task": "charge",
            "queue": "shop",
            "retry": {"attempts": 3, "backoff": "50ms"},
            "heartbeat": "5s",
            "next": "ship",
        },
        "ship": {"task": "ship", "queue": "shop"},
    },
}


@task("charge", queue="shop")
async def charge(context: TaskContext, amount: int) -> dict[str, int]:
    if context.attempt < 3:
        raise TaskFailed("BANK_DOWN", "no answer")
    return {"charged": amount}


@task("ship", queue="shop")
def ship(amount: int) -> str:
    return f"shipped for {amount}"


@asynccontextmanager
async def sqlite_log(folder: Path, partitions: int) -> AsyncIterator[Log]:
    log = await SqliteLog.open(folder / "log.db")
    await log.apply(product_topics(partitions))
    yield log
    await log.close()


async def test_executions_run_to_their_end_with_workers_on_the_log(tmp_path: Path) -> None:
    source = {**FLAKY, "queues": {}, "steps": {k: {**v, "queue": "default"} for k, v in FLAKY["steps"].items()}}  # type: ignore[attr-defined]
    async with sqlite_log(tmp_path, 2) as log:
        rig = Rig(log, partitions=2)
        await rig.start_engine()
        await rig.publish(source)
        async with running(Worker([charge, ship], LogTransport(log), queues=["default"])):
            started = [await rig.start("flaky", amount=n) for n in range(8)]
            await rig.until(rig.ended(*started))
        for n, execution in enumerate(started):
            (ending,) = [r.event for r in rig.history(execution) if r.type == "penstock.execution_completed.v1"]
            assert ending.output == f"shipped for {n}"  # type: ignore[union-attr]
            failed = [r.event for r in rig.history(execution) if r.type == "penstock.task_failed.v1"]
            assert [event.failure.code for event in failed] == ["BANK_DOWN", "BANK_DOWN"]  # type: ignore[union-attr]
        await rig.close()


async def test_a_worker_on_the_log_does_not_take_tasks_that_the_gateway_hands_out(tmp_path: Path) -> None:
    async with sqlite_log(tmp_path, 1) as log:
        rig = Rig(log)
        await rig.start_engine()
        await rig.publish(FLAKY)
        with pytest.raises(Rejected, match="QUEUE_TRANSPORT_CONFLICT"):
            await asyncio.wait_for(Worker([charge], LogTransport(log)).run(), 20)
        await rig.close()


@pytest.mark.parametrize("way", ["http", "local"])
async def test_executions_run_to_their_end_with_workers_on_the_gateway(tmp_path: Path, pool: Pool, way: str) -> None:  # noqa: F811
    async with sqlite_log(tmp_path, 1) as log, whole(log, pool) as (gateway, client):
        published = await client.post("/api/v1/definitions", json=FLAKY)
        assert published.status_code == 201, published.text
        http = httpx.AsyncClient(trust_env=False)
        ways: dict[str, Transport] = {
            "http": HttpTransport(gateway.url, client=http),
            "local": LocalTransport(gateway.feed),
        }
        async with http, running(Worker([charge, ship], ways[way])):
            ids = [await _started(client, n) for n in range(4)]
            ended = await asyncio.gather(
                *(client.get(f"/api/v1/executions/{id_}/wait", params={"timeout": 20}) for id_ in ids)
            )
        for n, answer in enumerate(ended):
            assert answer.json()["execution"]["status"] == "completed", answer.text
            assert answer.json()["execution"]["output"] == f"shipped for {n}"


async def _started(client: httpx.AsyncClient, amount: int) -> Any:
    answer = await client.post("/api/v1/executions", json={"definition": "flaky", "input": {"amount": amount}})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]
