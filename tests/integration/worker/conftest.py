from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.log.port import Log
from penstock.log.sqlite import SqliteLog
from tests.integration.worker.shop import CountingLog, Shop


@pytest.fixture(params=["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def every_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    opened: Log
    if request.param == "memory":
        opened = CountingLog()
    elif request.param == "sqlite":
        opened = await SqliteLog.open(tmp_path / "log.db")
    else:
        from penstock.log.kafka import KafkaLog

        opened = await KafkaLog.open(request.getfixturevalue("kafka"), prefix=f"worker-{uuid.uuid4().hex[:10]}")
    yield opened
    await opened.close()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """On a log in memory, with one partition."""
    built = Shop(CountingLog())
    await built.prepare()
    yield built
    await built.close()


@pytest.fixture
async def every_shop(every_log: Log) -> AsyncIterator[Shop]:
    """On every kind of log, with four partitions."""
    built = Shop(every_log, partitions=4)
    await built.prepare()
    yield built
    await built.close()
