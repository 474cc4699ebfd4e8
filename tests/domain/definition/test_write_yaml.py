"""What is written as YAML is read back as it was, by our reader and by any other."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.write_yaml import write_yaml
from tests.domain.definition import strategies

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40) | st.sampled_from(
    [
        "on", "No", "~", "null", "True", "1", "1e5", ".5", "0x10", "0o7", "1_000", "12:30:00", "2027-01-02", "<<", "=",
        "1.0.0", "30s", "a: b", "a #b", "a:", "#a", "- a", "? a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "---",
        "{{ a }}", "{{ a['b'] }}", '{{ a == "b" }}', "it's", '"', "'", "\\", "a\nb", "a\nb\n", " a\nb", "a \n\n b",
        "a\n\n", "\n", "a\n   \nb", "a\r\nb", "\ta", "a\tb", "\x7f", "\x85", "\u2028", "\ufeff", "\U0001f600", "é", "",
        " ", "a ", "a?", "a ?", "[a", "a, b", "a]", "x" * 200, "word " * 60,
    ]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all through: 1, 1.0 and true are three things."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_any_value_is_read_back_as_it_was(source: dict[str, Any]) -> None:
    assert same(read_definition(write_yaml(source), "it.yaml").value, source)


@given(TEXTS)
def test_any_other_reader_takes_a_text_for_a_text(text: str) -> None:
    assert yaml.safe_load(write_yaml({"block": text, "line": [text], "key": {text: 1}})) == {
        "block": text,
        "line": [text],
        "key": {text: 1},
    }


@given(strategies.definitions())
def test_any_definition_keeps_its_digest(source: dict[str, Any]) -> None:
    read = read_definition(write_yaml(source)).value
    assert digest_of(compile_definition(read)) == digest_of(compile_definition(source))


def test_a_key_that_is_too_long_for_one_line_is_read_back() -> None:
    source = {"variables": {"a": {"k" * 2_000: [{"é" * 2_000: "v"}]}}}
    assert read_definition(write_yaml(source)).value == source


@pytest.mark.parametrize(
    "text",
    [
        "id: order\nversion: 1.0.0\nsteps:\n  a: {task: a, next: b}\n  b: {wait: 1h30m}\n",
        "steps:\n  a:\n    choose:\n      - when: amount > 10 and name == x\n        next: b\n      - otherwise: end\n",
        'variables: {a: "on", b: "1e5", c: true, d: null, e: [1, 2.0]}\noutput: "{{ a }}"\n',
        "description: |-\n  One line.\n\n  Another.\nsteps: {}\n",
    ],
)
def test_it_writes_as_a_person_would(text: str) -> None:
    assert write_yaml(read_definition(text).value) == text
