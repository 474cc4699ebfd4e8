"""Marks tests by the server they use; where all servers have to be there (CI), a skipped one is a failed one."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

SERVERS: Mapping[str, str] = {
    "kafka": "kafka",
    "kafka_node": "kafka",
    "kafka_nodes": "kafka",
    "postgres": "postgres",
}
"""Fixture -> the marker of every test that uses it."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in SERVERS:
                item.add_marker(SERVERS[fixture])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report: pytest.TestReport = yield
    marked = any(item.get_closest_marker(name) for name in set(SERVERS.values()))
    expected_to_fail = hasattr(report, "wasxfail")
    if report.skipped and marked and not expected_to_fail and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"expected no skipped test of a server under CI=true, but: {report.longrepr}"
    return report
