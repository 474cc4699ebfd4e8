"""Every example of the reference page, run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.domain.expressions.duration import DurationInvalid, format_duration, parse_duration
from penstock.domain.expressions.expression import EvaluationFailed, ExpressionInvalid, compile_expression
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.template import compile_template

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "expressions.md").read_text(encoding="utf-8")


def blocks(language: str) -> Iterator[str]:
    for found in re.finditer(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        yield found.group(1)


def examples(language: str) -> list[tuple[str, str]]:
    lines = [line for block in blocks(language) for line in block.splitlines() if line.strip()]
    pairs = [line.rpartition("→") for line in lines]
    return [(left.strip(), right.strip()) for left, _, right in pairs]


VALUES = json.loads(next(blocks("json values")))


def outcome(kind: str, text: str) -> str:
    try:
        if kind == "duration":
            return format_duration(parse_duration(text))
        if kind == "template":
            return json.dumps(compile_template(json.loads(text)).render(VALUES), ensure_ascii=False)
        return json.dumps(compile_expression(text).evaluate(VALUES), ensure_ascii=False)
    except (ExpressionInvalid, DurationInvalid):
        return "refused"
    except EvaluationFailed as failure:
        return f"!{failure.code}"


@pytest.mark.parametrize(("text", "expected"), examples("expression"))
def test_an_expression_of_the_page_gives_what_the_page_says(text: str, expected: str) -> None:
    assert outcome("expression", text) == expected


@pytest.mark.parametrize(("text", "expected"), examples("template"))
def test_a_template_of_the_page_gives_what_the_page_says(text: str, expected: str) -> None:
    assert outcome("template", text) == expected


@pytest.mark.parametrize(("text", "expected"), examples("duration"))
def test_a_duration_of_the_page_means_what_the_page_says(text: str, expected: str) -> None:
    assert outcome("duration", text) == expected


def test_the_page_has_examples_of_all_three() -> None:
    assert len(examples("expression")) > 90
    assert len(examples("template")) > 10
    assert len(examples("duration")) > 10


def test_the_page_describes_every_function_and_shows_each_at_work() -> None:
    table = PAGE.partition("## Functions")[2].partition("```")[0]
    described = set(re.findall(r"`(\w+)\(", table))
    shown = {name for text, _ in examples("expression") for name in re.findall(r"(?<![.\w])(\w+)\(", text)}
    assert described == set(FUNCTIONS)
    assert set(FUNCTIONS) <= shown
