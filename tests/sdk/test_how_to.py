"""The examples of the pages about workers and about definitions in Python do what they say."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.docs import pages

HOW_TO = pages.DOCS / "how-to"
HAVING_TESTS = [
    ("write-a-worker.md", 2),
    ("define-in-python.md", 3),
    ("test-a-workflow.md", 4),
    ("steer-executions.md", 1),
]


@pytest.mark.parametrize(("page", "count"), HAVING_TESTS)
def test_the_examples_run(page: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ran(page, monkeypatch)
    tests: list[Callable[[], None]] = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == count
    for test in tests:
        test()


def test_the_text_that_the_page_shows_is_the_one_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = (block.text for block in pages.blocks(HOW_TO / "define-in-python.md") if block.language == "yaml")
    assert ran("define-in-python.md", monkeypatch)["order"].to_yaml() == shown


def ran(page: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the Python of a page defines, put together to one module."""
    module = ModuleType(page.removesuffix(".md").replace("-", "_"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    code = "\n".join(block.text for block in pages.blocks(HOW_TO / page) if block.language == "python")
    exec(compile(code, page, "exec"), vars(module))
    return vars(module)
