"""Whoever runs a process can ask how it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from penstock.runtime.operations import Operations

pytestmark = pytest.mark.anyio


class Slow:
    """A service that is ready when the test says so."""

    name = "slow"

    def __init__(self) -> None:
        self.is_ready = False

    async def run(self) -> None: ...

    async def stop(self) -> None: ...

    def ready(self) -> bool:
        return self.is_ready


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def operations(slow: Slow) -> AsyncIterator[Operations]:
    registry = CollectorRegistry()
    Gauge("answer", "Of everything", registry=registry).set(42)
    running = Operations([slow], registry, "127.0.0.1", 0)
    task = asyncio.create_task(running.run())
    while not running.ready():
        await asyncio.sleep(0)
    yield running
    await running.stop()
    await task


@pytest.fixture
async def client(operations: Operations) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{operations.port}") as client:
        yield client


async def test_a_process_that_answers_is_healthy(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200


async def test_it_is_ready_when_its_services_are_and_names_those_that_are_not(
    client: httpx.AsyncClient, slow: Slow
) -> None:
    waiting = await client.get("/readyz")
    assert (waiting.status_code, waiting.text) == (503, "not ready: slow\n")
    slow.is_ready = True
    assert (await client.get("/readyz")).status_code == 200


async def test_its_numbers_are_told_as_prometheus_reads_them(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics?now")
    assert "answer 42.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_what_is_not_there_is_said(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 404
    assert (await client.post("/metrics")).status_code == 405


GARBAGE = (b"", b"\r\n\r\n", b"x" * 20_000, b"GET /healthz\r\n" + b"a: b\r\n" * 500, b"\xff\r\n\r\n")


@pytest.mark.parametrize("said", GARBAGE)
async def test_what_is_no_request_hurts_nobody(operations: Operations, client: httpx.AsyncClient, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", operations.port)
    writer.write(said)
    writer.write_eof()
    assert b"200" not in await reader.read()
    writer.close()
    assert (await client.get("/healthz")).status_code == 200
