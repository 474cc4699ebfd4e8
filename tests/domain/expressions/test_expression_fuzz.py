"""Random texts and values: nothing comes out but a JSON value or one of the two named errors."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

from hypothesis import currently_in_test_context, given, note, seed, settings
from hypothesis import strategies as st

from penstock.domain.expressions.expression import EvaluationFailed, ExpressionInvalid, compile_expression
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.template import compile_template

SEED = int(os.environ.get("PENSTOCK_FUZZ_SEED", "20261121"))
EXAMPLES = int(os.environ.get("PENSTOCK_FUZZ_EXAMPLES", "300"))
CODES = {"UNDEFINED_NAME", "TYPE_MISMATCH", "DIVISION_BY_ZERO", "OUT_OF_RANGE", "TOO_LARGE"}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(["2026-11-21T09:30:00Z", "2026-02-28", "P1D", "1h30m", "12.5", "true"]),
)
KEYS = st.sampled_from(["a", "b", "get", "length", "x y", "in"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
NAMES = st.dictionaries(st.sampled_from(["a", "b", "c", "now"]), VALUES, max_size=4)
TOKENS = st.sampled_from(
    [
        "a", "b", "c", "now", "a.b", ".b", "?.b", "['a']", "[0]", "[-1]", ".get('b')", ".get('a', 1)", ".length", "?",
        ":", "(", ")", "[", "]", "{", "}", ",", "+", "-", "*", "/", "%", "==", "===", "!=", "!==", "<", "<=", ">", ">=",
        " AND ", " or ", " NOT ", "&&", "||", "!", " in ", " not in ", "0", "1", "2.5", "1e300", "9007199254740992",
        "'a'", '"x"', "'P1D'", "''", "true", "null", "=", "`", "\\", "'", "{{", "}}", " ", "\n",
        *(f"{name}(" for name in FUNCTIONS),
    ]
)  # fmt: skip
SOUP = st.lists(TOKENS, max_size=40).map("".join)


def grammar(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts that are mostly expressions, so that the evaluation is reached and not only the parser."""
    binary = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "not in", "AND", "OR"])
    lists = st.lists(inner, max_size=3)
    return st.one_of(
        st.builds("({} {} {})".format, inner, binary, inner),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), lists.map(", ".join)),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from([".a", "?.a", "[0]", ".get('a')", ".length", ".b?"])),
        st.builds("{}{}".format, st.sampled_from(["-", "!"]), inner),
        lists.map(lambda items: f"[{', '.join(items)}]"),
        st.builds("{{'a': {}, b: {}}}".format, inner, inner),
        st.builds("a[{}]".format, inner),
    )


LEAVES = st.sampled_from(
    ["a", "b", "c", "now", "a.b", "a?.b", "b.get('a')", "c?", "1", "-2.5", "'a'", "null", "'P1D'", "true"]
)
EXPRESSIONS = st.recursive(LEAVES, grammar, max_leaves=10)
WHOLE = EXPRESSIONS.map(lambda text: f"{{{{ {text} }}}}")
MIXED = EXPRESSIONS.map(lambda text: f"x {{{{{text}}}}}")
TEMPLATES = st.recursive(
    st.one_of(SCALARS, SOUP, WHOLE, MIXED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
MANY = settings(max_examples=EXAMPLES, deadline=None, print_blob=True)


def report(case: str) -> None:
    if currently_in_test_context():
        note(case)


def expect_a_code(failed: EvaluationFailed) -> None:
    assert failed.code in CODES
    assert failed.message


def expect_a_place(invalid: ExpressionInvalid) -> None:
    assert 1 <= invalid.column <= max(len(invalid.source), 2000) + 1
    assert str(invalid)


def outcome(text: str, names: dict[str, Any]) -> tuple[str, Any]:
    report(f"PENSTOCK_FUZZ_SEED={SEED} text={text!r} names={names!r}")
    try:
        expression = compile_expression(text)
    except ExpressionInvalid as invalid:
        expect_a_place(invalid)
        return "refused", None
    before = copy.deepcopy(names)
    seen = expression.seen(names)
    assert names == before
    json.dumps(seen)
    try:
        value = expression.evaluate(names)
    except EvaluationFailed as failed:
        expect_a_code(failed)
        return failed.code, failed.message
    finally:
        assert names == before
    json.dumps(value, allow_nan=False)
    assert expression.test(names) is bool(value)
    return "value", value


@seed(SEED)
@MANY
@given(st.text(max_size=300), NAMES)
def test_random_text_is_refused_or_evaluated(text: str, names: dict[str, Any]) -> None:
    outcome(text, names)


@seed(SEED)
@MANY
@given(SOUP, NAMES)
def test_random_tokens_are_refused_or_evaluated(text: str, names: dict[str, Any]) -> None:
    outcome(text, names)


@seed(SEED)
@MANY
@given(EXPRESSIONS, NAMES)
def test_a_random_expression_gives_the_same_twice(text: str, names: dict[str, Any]) -> None:
    first = outcome(text, names)
    assert outcome(text, copy.deepcopy(names)) == first


@seed(SEED)
@MANY
@given(EXPRESSIONS, NAMES)
def test_parentheses_and_space_around_a_random_expression_change_nothing(text: str, names: dict[str, Any]) -> None:
    kind, value = outcome(text, names)
    around, again = outcome(f" (\n{text} ) ", names)
    assert around == kind
    if kind == "value":
        assert again == value


@seed(SEED)
@MANY
@given(
    SOUP | EXPRESSIONS, st.integers(1, 60), st.sampled_from(["({})", "[{}]", "!{}", "-{}", "len({})", "1+{}", "a?{}:1"])
)
def test_random_nesting_is_refused_or_evaluated(text: str, depth: int, shape: str) -> None:
    for _ in range(depth):
        text = shape.replace("{}", text)
    outcome(text, {"a": [1]})


@seed(SEED)
@MANY
@given(TEMPLATES, NAMES)
def test_a_random_template_is_refused_or_rendered(value: object, names: dict[str, Any]) -> None:
    report(f"PENSTOCK_FUZZ_SEED={SEED} value={value!r} names={names!r}")
    before = copy.deepcopy((value, names))
    try:
        template = compile_template(value)
        json.dumps(template.render(names), allow_nan=False)
    except ExpressionInvalid as invalid:
        expect_a_place(invalid)
    except EvaluationFailed as failed:
        expect_a_code(failed)
    assert (value, names) == before


def test_huge_texts_are_refused_at_once() -> None:
    for text in ("(" * 10**6, "1+" * 10**6, "'" * 10**6, "a." * 10**6, "{{" * 10**6, " " * 10**6, "9" * 10**6):
        assert outcome(text, {})[0] == "refused"


def test_every_text_that_just_fits_is_refused_or_evaluated() -> None:
    units = [
        "(",
        "[",
        "{",
        "-",
        "!",
        "not ",
        "a?",
        "a[",
        "a.",
        "len(",
        "1+",
        "1 or ",
        "1<",
        "'",
        "\\",
        "a?1:",
        "[[],",
        "{a:",
    ]
    for unit in units:
        text = unit * (2000 // len(unit))
        outcome(text, {"a": 1})
        outcome(text[: 2000 - len(unit)] + "1", {"a": 1})


def test_values_beyond_json_are_refused_too() -> None:
    names = {"a": 10**5000, "b": float("inf"), "c": float("nan"), "d": (1, 2), "e": {1: 2}, "f": {1, 2}, "g": b"x"}
    shapes = ["{} + 1", "-{}", "string({})", "{} > 1", "{} == {}", "{} % 3", "len({})", "{}.x", "{}[0]", "round({})",
              "sum([{}])", "unique([{}])", "sort([{}])", "join([{}], '')", "slice('abc', {})", "[1][{}]", "1 in {}",
              "number({})", "floor({})", "max([{}, 1])", "{}.get(0)"]  # fmt: skip
    for name in names:
        for shape in shapes:
            try:
                compile_expression(shape.replace("{}", name)).evaluate(names)
            except EvaluationFailed as failed:
                expect_a_code(failed)
