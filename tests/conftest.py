"""Fixtures of every test; the servers come from ``tests/providers``."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester", "tests.providers.kafka", "tests.providers.postgres", "tests.providers.marks"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
