from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.port import Log
from penstock.log.sqlite import SqliteLog
from tests.integration.engine.rig import Rig


@pytest.fixture(params=["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    """Every kind of log, fresh."""
    opened: Log
    if request.param == "memory":
        opened = MemoryLog()
    elif request.param == "sqlite":
        opened = await SqliteLog.open(tmp_path / "log.db")
    else:
        from penstock.log.kafka import KafkaLog

        opened = await KafkaLog.open(request.getfixturevalue("kafka"), prefix=f"engine-{uuid.uuid4().hex[:10]}")
    yield opened
    await opened.close()


@pytest.fixture
async def rig(log: Log) -> AsyncIterator[Rig]:
    """A rig with topics and no engine yet."""
    built = Rig(log)
    await built.prepare()
    yield built
    await built.close()


@pytest.fixture
def rig_of(log: Log) -> Callable[..., Rig]:
    return lambda **options: Rig(log, **options)
