"""A schema of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from penstock.tables.pool import Pool, open_pool


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Pool]:
    opened = await open_pool(postgres, schema=f"t_{uuid4().hex}")
    yield opened
    async with opened.connection() as connection:
        await connection.execute(f'drop schema "{opened.schema}" cascade')
    await opened.close()
