"""The examples of the page about workers do what it says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.docs import pages

PAGE = pages.DOCS / "how-to" / "write-a-worker.md"


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("write_a_worker")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = vars(module)
    code = "\n".join(block.text for block in pages.blocks(PAGE) if block.language == "python")
    exec(compile(code, str(PAGE), "exec"), names)
    tests: list[Callable[[], None]] = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
