"""The log that a contract test runs against: each adapter in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.logs import Home, home_of


@pytest.fixture(params=["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    home = home_of(request.param, tmp_path, lambda: str(request.getfixturevalue("kafka")))
    yield home
    await home.close()
