"""The page of requirements names tests that exist, and each line once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "requirements.md").read_text()
ROWS = re.findall(r"^\| ([A-Z0-9]+-\d+) \| [^|]+ \| `([^`]+)` \|$", PAGE, re.MULTILINE)


def test_the_page_has_lines() -> None:
    assert len(ROWS) == len(re.findall(r"^\| [A-Z]+-\d+", PAGE, re.MULTILINE)) > 0


def test_each_line_stands_once() -> None:
    assert not [line for line, count in Counter(line for line, _ in ROWS).items() if count > 1]


@pytest.mark.parametrize(("line", "test"), ROWS)
def test_its_test_exists(line: str, test: str) -> None:
    path, _, name = test.partition("::")
    assert re.search(rf"^(async )?def {name}\(", (TOP / path).read_text(), re.MULTILINE), f"{line}: {test}"
