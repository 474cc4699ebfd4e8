from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from launcher import CannotStart, console_classpath, java

from penstock.log.kafka import KafkaLog
from penstock.log.port import Log
from penstock.tables.pool import Pool, open_pool
from tests.integration.outside.scene import Scene, play


@pytest.fixture(scope="session")
def tools() -> None:
    """Kafka's console tools are Java programs, wherever the broker itself runs."""
    try:
        java()
        console_classpath()
    except CannotStart as error:
        pytest.skip(str(error))


@pytest.fixture(scope="package")
def scene(kafka: str, tools: None) -> Scene:
    return asyncio.run(play(kafka))


@pytest.fixture
async def log(kafka: str, scene: Scene) -> AsyncIterator[Log]:
    """The log of the scene, opened again after everybody has gone."""
    opened = await KafkaLog.open(kafka, prefix=scene.prefix)
    yield opened
    await opened.close()


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Pool]:
    opened = await open_pool(postgres, schema=f"t_{uuid4().hex}")
    yield opened
    async with opened.connection() as connection:
        await connection.execute(f'drop schema "{opened.schema}" cascade')
    await opened.close()
