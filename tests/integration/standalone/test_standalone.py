from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.log.open import open_log
from penstock.log.topics import product_topics
from penstock.runtime.settings import Settings, SettingsInvalid, load_settings
from penstock.sdk import task
from penstock.sdk.client import Client
from penstock.standalone import PARTS, AddressTaken, Standalone, TopicsWrong, wanted_topics

pytestmark = pytest.mark.anyio

HELLO = {"id": "hello", "version": "1.0.0", "steps": {"greet": {"task": "greet"}}}
PATIENCE = 60.0


@task("greet")
def greet(name: str) -> dict[str, Any]:
    return {"text": f"hello {name}"}


class Job:
    """A service that ends when its work is done: then all the others are stopped."""

    name = "job"

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work

    def ready(self) -> bool:
        return True

    async def run(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._work()

    async def stop(self) -> None:
        """It ends by itself."""


def settings_in(folder: Path, **given: Any) -> Settings:
    defaults = {
        "data": folder,
        "log": f"sqlite:{folder / 'log.sqlite'}",
        "partitions": 1,
        "transport": "http",
        "port": 0,
    }
    return load_settings(given, defaults=defaults, environ={}, folder=folder)


async def test_all_services_in_one_process_do_an_execution(tmp_path: Path, postgres: str) -> None:
    settings = settings_in(tmp_path, tables=postgres, prefix=f"standalone_{tmp_path.name}")
    outputs: list[Any] = []
    async with Standalone(settings, PARTS, develop=True, handlers={"greet": greet}) as standalone:

        async def work() -> None:
            await standalone.until_ready()
            async with Client(standalone.gateway.url) as client:
                await client.publish(HELLO)
                handle = await client.start("hello", {"name": "Zoë"})
                outputs.append(await handle.result(PATIENCE))

        assert await standalone.run(Job(work), signals=False) == 0
    assert outputs == [{"text": "hello Zoë"}]


async def test_a_service_that_falls_takes_the_others_down_and_the_code_tells(tmp_path: Path, postgres: str) -> None:
    settings = settings_in(tmp_path, tables=postgres, prefix=f"falls_{tmp_path.name}")
    async with Standalone(settings, PARTS, develop=True) as standalone:

        async def fall() -> None:
            await standalone.until_ready()
            raise ValueError("as it had to")

        assert await standalone.run(Job(fall), signals=False) == 1


async def test_without_topics_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(TopicsWrong, match="run `penstock topics apply`"):
        async with Standalone(settings_in(tmp_path), ["engine"]):
            pass


async def test_the_number_of_partitions_is_that_of_the_log(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    log = await open_log(f"sqlite:{tmp_path / 'log.sqlite'}")
    await log.apply(product_topics(3))
    await log.close()
    async with Standalone(settings, ["engine"]) as standalone:
        wanted = {spec.name: spec.partitions for spec in await wanted_topics(standalone.log, settings)}
    assert (wanted["commands"], wanted["catalog"]) == (3, 1)


async def test_a_topic_with_another_number_of_partitions_is_refused(tmp_path: Path) -> None:
    log = await open_log(f"sqlite:{tmp_path / 'log.sqlite'}")
    await log.apply([spec for spec in product_topics(2) if spec.name != "events"])
    await log.apply([spec for spec in product_topics(3) if spec.name == "events"])
    await log.close()
    with pytest.raises(TopicsWrong, match="'events' to have 2 partitions, but it has 3"):
        async with Standalone(settings_in(tmp_path), ["engine"]):
            pass


async def test_the_topics_of_every_queue_are_looked_at(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with Standalone(settings, ["engine"], develop=True) as standalone:
        await standalone.log.apply([spec for spec in product_topics(1) if spec.name == "tasks.default"])
        gpu = next(spec for spec in product_topics(1) if spec.name == "tasks.default")
        await standalone.log.apply([type(gpu)("tasks.gpu", 1, gpu.retention)])
        names = {spec.name for spec in await wanted_topics(standalone.log, settings)}
    assert {"tasks.gpu", "tasks.gpu.dlq", "tasks.control"} <= names
    assert not [name for name in names if name.endswith(".dlq.dlq") or name == "tasks.control.dlq"]


async def test_a_log_and_tables_have_to_be_named(tmp_path: Path) -> None:
    nothing = load_settings({"data": tmp_path}, environ={}, folder=tmp_path)
    with pytest.raises(SettingsInvalid, match="expected a log"):
        async with Standalone(nothing, ["engine"]):
            pass
    log = await open_log(f"sqlite:{tmp_path / 'log.sqlite'}")
    await log.apply(product_topics(1))
    await log.close()
    with pytest.raises(SettingsInvalid, match="expected a Postgres"):
        async with Standalone(settings_in(tmp_path), ["projector"]):
            pass


async def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = settings_in(tmp_path, port=other.getsockname()[1])
        with pytest.raises(AddressTaken, match="stop whoever does, or give another --port"):
            async with Standalone(settings, PARTS, develop=True):
                pass
    assert not list(tmp_path.iterdir())
