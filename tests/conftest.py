"""Fixtures of every test; the servers come from ``tests/providers``."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("penstock", deadline=None, print_blob=True)
settings.load_profile("penstock")
"""No test judges by the clock: how long something takes is measured by `make bench`."""

pytest_plugins = ["pytester", "tests.providers.kafka", "tests.providers.postgres", "tests.providers.marks"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
