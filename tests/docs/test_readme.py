"""The example of the README is one: its definition compiles, and its handlers run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.definition.read import read_definition
from penstock.sdk.task import handlers_of
from penstock.sdk.testing import run

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


@pytest.mark.parametrize(("amount", "reviewed"), [(120, False), (900, True)])
def test_the_example_runs(amount: int, reviewed: bool) -> None:
    names: dict[str, Any] = {"__name__": "shop"}
    exec(block("python"), names)
    functions = [names["check_credit"], names["ship"]]
    assert [handler.type for handler in handlers_of(functions)] == ["check-credit", "ship"]
    definition = dict(read_definition(block("yaml")).value)
    result = run(definition, functions, {"customer": "Ada", "amount": amount})
    assert (result.status, result.output) == ("completed", {"parcel": "for Ada"})
    waited = any(type(event).__name__ == "TimerFired" for event in result.events)
    assert waited is reviewed


def test_the_readme_counts_the_patterns_as_their_page_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "patterns.md").read_text()
    counted = re.findall(r"\*\*Penstock has (\d+) `\+`\*\*", page)
    assert re.findall(r"Penstock supports \*\*(\d+)\*\* of them directly", README) == counted
