"""Text to source: what is read, what is refused, and where everything stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.definition.findings import DefinitionInvalid, Finding
from penstock.domain.definition.limits import MAX_NODES, MAX_SOURCE
from penstock.domain.definition.read import read_definition


def refusal(text: str, name: str = "") -> Finding:
    with pytest.raises(DefinitionInvalid) as caught:
        read_definition(text, name)
    (finding,) = caught.value.findings
    assert finding.severity == "error"
    return finding


def test_only_true_false_null_and_numbers_are_not_text() -> None:
    text = """
        truth: [true, True, FALSE]
        words: [yes, no, on, off, y, n]
        nothing: [null, ~, ]
        numbers: [1, -2, 1.5, 1e3, .5, "1"]
        texts: [1.0.0, 2026-01-31, 2026-01-31T10:00:00Z, 0x10, 0o7, 1_000, 12:30, 'true', "null"]
        on: {off: yes, 1: one, null: zero}
    """
    assert read_definition(text).value == {
        "truth": [True, True, False],
        "words": ["yes", "no", "on", "off", "y", "n"],
        "nothing": [None, None],
        "numbers": [1, -2, 1.5, 1000.0, 0.5, "1"],
        "texts": ["1.0.0", "2026-01-31", "2026-01-31T10:00:00Z", "0x10", "0o7", "1_000", "12:30", "true", "null"],
        "on": {"off": "yes", "1": "one", "null": "zero"},
    }


def test_blocks_of_text_and_comments_are_read_as_yaml_says() -> None:
    text = "a: |\n  one\n  two\nb: >-\n  one\n  two\n# c: 3\nd: 'it''s'\n"
    assert read_definition(text).value == {"a": "one\ntwo\n", "b": "one two", "d": "it's"}


def test_an_alias_stands_for_a_copy_of_what_its_anchor_marks() -> None:
    source = read_definition("a: &x {k: [1]}\nb: *x\nc: *x\n").value
    assert source == {"a": {"k": [1]}, "b": {"k": [1]}, "c": {"k": [1]}}
    assert source["a"] is not source["b"]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "DUPLICATE_KEY", 3, 1),
        ("s:\n  x: 1\n  'x': 2\n", "DUPLICATE_KEY", 3, 3),
        ('{"a": 1,\n "a": 2}', "DUPLICATE_KEY", 2, 2),
        ("a: !!python/name:os.system x\n", "BAD_SYNTAX", 1, 4),
        ("a: !!int 3\n", "BAD_SYNTAX", 1, 4),
        ("!custom {a: 1}\n", "BAD_SYNTAX", 1, 1),
        ("a: &x [*x]\n", "BAD_SYNTAX", 1, 8),
        ("a: *nowhere\n", "BAD_SYNTAX", 1, 4),
        ("a: {{ x }}\n", "BAD_SYNTAX", 1, 5),
        ("x: 1\n<<: {a: 1}\n", "BAD_SYNTAX", 2, 1),
        ("? [a]\n: 1\n", "BAD_SYNTAX", 1, 3),
        ("a: 1\n---\nb: 2\n", "BAD_SYNTAX", 2, 1),
        ("a: b: c\n", "BAD_SYNTAX", 1, 5),
        ("a:\n\t- 1\n", "BAD_SYNTAX", 2, 1),
        ("a: .nan\n", "BAD_SYNTAX", 1, 4),
        ("a: 'b\x01'\n", "BAD_SYNTAX", 1, 6),
        ("", "WRONG_TYPE", 1, 1),
        ("# nothing\n", "WRONG_TYPE", 1, 1),
        ("- a\n", "WRONG_TYPE", 1, 1),
        ("just text", "WRONG_TYPE", 1, 1),
        ("a: " + "[" * 60 + "]" * 60, "TOO_DEEP", 1, 44),
        ("a: '" + "x" * MAX_SOURCE + "'", "TOO_LARGE", 1, 1),
    ],
)
def test_text_that_is_not_ours_is_refused_where_it_stops_making_sense(
    text: str, code: str, line: int, column: int
) -> None:
    finding = refusal(text)
    assert (finding.code, finding.line, finding.column) == (code, line, column)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": tru}', 1, 7),
        ('{"a": 01}', 1, 7),
        ('{"a": 1,}', 1, 9),
        ('{"a" 1}', 1, 6),
        ('{"a": "x\ny"}', 1, 7),
        ('{"a": NaN}', 1, 7),
        ("{'a': 1}", 1, 2),
        ('{"a": [1\n  2]}', 2, 3),
        ('{"a": 1}\n{}', 2, 1),
        ('{"a":', 1, 6),
    ],
)
def test_a_json_file_is_held_to_json(text: str, line: int, column: int) -> None:
    finding = refusal(text, "flow.json")
    assert (finding.code, finding.line, finding.column) == ("BAD_SYNTAX", line, column)


def test_aliases_of_aliases_do_not_grow_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(12)]
    finding = refusal("\n".join(lines))
    assert finding.code == "TOO_LARGE"
    assert f"{MAX_NODES:,}" in finding.message


def test_json_and_yaml_of_one_source_read_the_same_with_tabs_and_escapes_too() -> None:
    value = {"a": ["\t\n\"'é😀", 1.5, -3, True, None, {"b c": {}}], "d": []}
    for indent in (None, 2, "\t"):
        assert read_definition(json.dumps(value, indent=indent)).value == value
    assert read_definition(json.dumps(value, ensure_ascii=False)).value == value
    assert read_definition("\ufeff" + yaml.safe_dump(value, allow_unicode=True)).value == value


def test_positions_say_where_keys_and_values_stand() -> None:
    for text in ("a:\n  b: [1, 'two']\n", '{"a":\n {"b": [1,"two"]}}'):
        positions = read_definition(text).positions
        key, value = positions.key(("a", "b")), positions.value(("a", "b", 1))
        assert key is not None
        assert value is not None
        assert text.splitlines()[key.line - 1][key.column - 1 :].lstrip('"').startswith("b")
        assert text.splitlines()[value.line - 1][value.text_column - 1 :].startswith("two")


_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
_json = st.recursive(
    _scalars | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_texts, _json, max_size=4))
def test_whatever_json_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert read_definition(json.dumps(value, ensure_ascii=False), "x.json").value == value


@given(st.text(max_size=40) | st.text(st.sampled_from("{}[]:,-&*!|>'\"#?% \n\tab1"), max_size=30))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    for name in ("", "x.json", "x.yaml"):
        findings: tuple[Finding, ...] = ()
        try:
            source = read_definition(text, name)
        except DefinitionInvalid as invalid:
            findings = invalid.findings
        assert all(finding.line >= 1 and finding.column >= 1 for finding in findings)
        assert findings or isinstance(source.value, dict)
