"""A gateway on a real socket, and what has to stand around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from penstock.engine.service import Engine
from penstock.gateway.service import Gateway
from penstock.gateway.settings import GatewaySettings
from penstock.log.port import Log
from penstock.projector.service import Projector
from penstock.runtime.service import Service
from penstock.tables.pool import Pool

PATIENCE = 20.0

ORDER: dict[str, Any] = {
    "id": "order",
    "version": "1.0.0",
    "name": "An order",
    "tags": ["sales"],
    "queues": {"shop": {"transport": "http"}},
    "start": "check",
    "steps": {
        "check": {"task": "check", "queue": "shop", "output": {"score": "{{ output.score }}"}, "next": "ship"},
        "ship": {"task": "ship", "queue": "shop"},
    },
}


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """``service`` at work until the block ends; what makes it fall fails the test."""
    task = asyncio.create_task(service.run())
    try:
        await until(lambda: service.ready() or task.done())
        if task.done():
            task.result()
        yield
        await service.stop()
        await asyncio.wait_for(task, PATIENCE)
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def serving(log: Log, pool: Pool, **settings: Any) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """A gateway on a free port, and a client for it."""
    gateway = await Gateway.open(log, pool, settings=GatewaySettings(port=0, **settings))
    async with running(gateway), httpx.AsyncClient(base_url=gateway.url, timeout=PATIENCE, trust_env=False) as client:
        yield gateway, client


@asynccontextmanager
async def whole(log: Log, pool: Pool, **settings: Any) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """The same with a real engine and a real projector."""
    async with running(Engine(log)), running(Projector(log, pool, idle=0.05)), serving(log, pool, **settings) as both:
        yield both


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


async def work(client: httpx.AsyncClient, queue: str = "shop", limit: int = 1) -> list[dict[str, Any]]:
    """Poll once, and complete what came."""
    polled = await client.post(f"/api/v1/queues/{queue}/poll", json={"worker": "w1", "limit": limit, "wait": 10})
    assert polled.status_code == 200, polled.text
    offers: list[dict[str, Any]] = polled.json()["tasks"]
    for offer in offers:
        done = {"task_id": offer["task"]["id"], "token": offer["token"], "output": {"score": 7}, "worker": "w1"}
        answer = await client.post("/api/v1/tasks/complete", json=done)
        assert answer.status_code == 200, answer.text
    return offers
