from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.port import Log
from penstock.log.sqlite import SqliteLog
from penstock.log.topics import product_topics
from penstock.tables.pool import Pool, open_pool


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Pool]:
    """A schema of the test's own."""
    opened = await open_pool(postgres, schema=f"t_{uuid4().hex}")
    yield opened
    async with opened.connection() as connection:
        await connection.execute(f'drop schema "{opened.schema}" cascade')
    await opened.close()


@pytest.fixture
async def log() -> Log:
    """A log in memory with all topics, two partitions each."""
    made = MemoryLog()
    await made.apply(product_topics(2))
    return made


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Log]:
    made = await SqliteLog.open(tmp_path / "log.db")
    await made.apply(product_topics(1))
    yield made
    await made.close()
