"""What expressions mean, beyond the examples of the reference page."""

from __future__ import annotations

import copy
import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from penstock.domain.expressions.expression import EvaluationFailed, ExpressionInvalid, compile_expression

NAMES: dict[str, Any] = {
    "n": 5,
    "f": 0.5,
    "s": "abc",
    "yes": True,
    "nothing": None,
    "xs": [1, 2, 3],
    "o": {"a": {"b": 1}, "get": "key", "in": 2, "length": 9, "two words": 3},
    "none_at_all": {},
}


def value(text: str) -> Any:
    return compile_expression(text).evaluate(NAMES)


def failure(text: str, names: dict[str, Any] | None = None) -> EvaluationFailed:
    with pytest.raises(EvaluationFailed) as caught:
        compile_expression(text).evaluate(NAMES if names is None else names)
    return caught.value


def test_a_boolean_is_never_a_number() -> None:
    assert value("yes == 1") is False
    assert value("[yes] == [1]") is False
    assert value("{'a': false} == {'a': 0}") is False
    assert value("1 in [yes]") is False
    assert failure("yes + 1").code == "TYPE_MISMATCH"
    assert failure("yes > 0").code == "TYPE_MISMATCH"
    assert failure("sum([yes])").code == "TYPE_MISMATCH"
    assert failure("xs[yes]").code == "TYPE_MISMATCH"


@pytest.mark.parametrize("text", ["null", "false", "0", "0.0", "''", "[]", "{}", "nothing", "none_at_all"])
def test_what_is_empty_counts_as_false(text: str) -> None:
    assert compile_expression(text).test(NAMES) is False
    assert compile_expression(f"NOT {text}").test(NAMES) is True


@pytest.mark.parametrize("text", ["true", "1", "-0.1", "' '", "[0]", "{'a': null}", "s", "o"])
def test_everything_else_counts_as_true(text: str) -> None:
    assert compile_expression(text).test(NAMES) is True
    assert value(f"!({text})") is False


@pytest.mark.parametrize(
    "text", ["n > 1 aNd f < 1", "n > 1 && f < 1", "NOT n < 1 or x", "nOt n < 1 || x", "n In xs || s"]
)
def test_operators_that_are_words_may_be_written_in_any_case(text: str) -> None:
    assert compile_expression(text).test(NAMES) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("false AND true OR true", True),
        ("true OR true AND false", True),
        ("1 + 2 == 3 AND 2 * 2 > 3", True),
        ("10 - 4 - 3", 3),
        ("100 / 10 / 5", 2),
        ("2 - -2", 4),
        ("-xs[0] + 1", 0),
        ("!n == false", True),
        ("NOT n == 6", True),
        ("(n < 6) == true", True),
        ("false ? 1 : false ? 2 : 3", 3),
        ("true ? false ? 1 : 2 : 3", 2),
        ("n > 1 ? n < 3 ? 'a' : 'b' : 'c'", "b"),
        ("yes?1:2", 1),
        ("true ? [1] : {}", [1]),
        ("yes ? not yes : 1", False),
        ("nothing? not in xs", True),
        ("false AND missing OR 7", 7),
        ("1 AND 2 AND 3", 3),
        ("0 OR '' OR 'x'", "x"),
        ("nothing OR false OR 0", 0),
    ],
)
def test_operators_bind_in_their_order(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("o.a.b", 1),
        ("o['a']['b']", 1),
        ("o . a\n.b", 1),
        ("o.get", "key"),
        ("o.in", 2),
        ("o.length", 9),
        ("o['two words']", 3),
        ("o.get('two words')", 3),
        ("o.get('x').y?", None),
        ("o.get('x', {'y': 1}).y", 1),
        ("o.get('a', missing).b", 1),
        ("xs.get(1)", 2),
        ("xs.get(9, 'x')", "x"),
        ("xs[n - 4]", 2),
        ("xs[1.0]", 2),
        ("s[-1]", "c"),
        ("'abc'.length", 3),
        ("(xs + xs)[4]", 2),
        ("[[1], [2]][1][0]", 2),
        ("o[s]?", None),
        ("nothing?.x.y.z", None),
        ("nothing?.[0]", None),
        ("missing?.get('x')", None),
        ("o?.a.x", "UNDEFINED_NAME"),
        ("o?.x.y", None),
        ("o.a.b.c?", "TYPE_MISMATCH"),
        ("n.get('x')", "TYPE_MISMATCH"),
        ("nothing.get('x')", "TYPE_MISMATCH"),
        ("o.get(1)", "TYPE_MISMATCH"),
        ("xs['0']", "TYPE_MISMATCH"),
        ("xs[0.5]", "TYPE_MISMATCH"),
        ("xs.b", "TYPE_MISMATCH"),
        ("n.length", "TYPE_MISMATCH"),
        ("xs[3]", "UNDEFINED_NAME"),
        ("xs[-4]", "UNDEFINED_NAME"),
        ("o[s]", "UNDEFINED_NAME"),
        ("none_at_all.length", "UNDEFINED_NAME"),
        ("default(o.a.b.c, 1)", "TYPE_MISMATCH"),
        ("default(upper(missing), 1)", "UNDEFINED_NAME"),
    ],
)
def test_a_path_finds_its_value_or_says_why_not(text: str, expected: object) -> None:
    if expected in ("UNDEFINED_NAME", "TYPE_MISMATCH"):
        assert failure(text).code == expected
    else:
        assert value(text) == expected


def test_a_fallback_is_evaluated_only_when_it_is_needed() -> None:
    assert value("o.get('a', missing) == {'b': 1}") is True
    assert failure("o.get('x', missing)").code == "UNDEFINED_NAME"


def test_a_key_that_holds_null_is_not_missing() -> None:
    assert compile_expression("o.get('k', 1)").evaluate({"o": {"k": None}}) is None
    assert compile_expression("o.k").evaluate({"o": {"k": None}}) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("round(1, 16)", "TYPE_MISMATCH"),
        ("round(1, 0.5)", "TYPE_MISMATCH"),
        ("floor(1e300)", "OUT_OF_RANGE"),
        ("round(1e300)", "OUT_OF_RANGE"),
        ("split(s, '')", "TYPE_MISMATCH"),
        ("replace(s, '', 'x')", "TYPE_MISMATCH"),
        ("join([null], '')", "TYPE_MISMATCH"),
        ("sort([1, 'a'])", "TYPE_MISMATCH"),
        ("sort([[1]])", "TYPE_MISMATCH"),
        ("unique([[1]])", "TYPE_MISMATCH"),
        ("max(1, 'a')", "TYPE_MISMATCH"),
        ("any([1])", "TYPE_MISMATCH"),
        ("keys(xs)", "TYPE_MISMATCH"),
        ("bool('yes')", "TYPE_MISMATCH"),
        ("number(yes)", "TYPE_MISMATCH"),
        ("number('1e999')", "OUT_OF_RANGE"),
        ("number('٣')", "TYPE_MISMATCH"),
        ("number('9007199254740993')", "OUT_OF_RANGE"),
        ("date_add('2026-02-30', '1d')", "TYPE_MISMATCH"),
        ("date_add('2026-W01-1', '1d')", "TYPE_MISMATCH"),
        ("date_add('0001-01-01', '-1d')", "OUT_OF_RANGE"),
        ("date_add('2026-01-01', 5)", "TYPE_MISMATCH"),
        ("1e200 * 1e200", "OUT_OF_RANGE"),
        ("9007199254740992 * 2", "OUT_OF_RANGE"),
        ("-9007199254740992 - 1", "OUT_OF_RANGE"),
        ("1 % 0", "DIVISION_BY_ZERO"),
        ("1 / 0.0", "DIVISION_BY_ZERO"),
        ("nothing in nothing", "TYPE_MISMATCH"),
    ],
)
def test_a_value_that_does_not_exist_fails_by_name(text: str, code: str) -> None:
    assert failure(text).code == code


@pytest.mark.parametrize(
    "text",
    ["s + t", "join([t, t], '')", "replace(t, 'x', 'yy')", "upper(u)", "lower(t + t)", "many + many", "split(t, 'x')",
     "keys(wide)", "string(many + [1])", "slice(huge, 0)", "sort(huge_list)", "string(deep)"],
)  # fmt: skip
def test_a_result_that_would_be_too_large_is_refused(text: str) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    names = {
        "s": "x",
        "t": "x" * 65_536,
        "u": "ß" * 40_000,
        "many": ["a" * 10] * 6_000,
        "wide": dict.fromkeys(map(str, range(10_001))),
        "huge": "x" * 100_000,
        "huge_list": [1] * 10_001,
        "deep": deep,
    }
    assert failure(text, names).code == "TOO_LARGE"
    while deep:  # taken apart by hand: the interpreter would recurse
        deep = deep[0]


def test_values_of_any_depth_can_be_compared() -> None:
    one: list[Any] = []
    other: list[Any] = []
    for _ in range(50_000):
        one, other = [one], [other]
    assert compile_expression("one == other").evaluate({"one": one, "other": other}) is True


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("amont > 5", ["UNDEFINED_NAME", "`amont`", "did you mean `amount`?"]),
        ("order.totl", ["UNDEFINED_NAME", "`order` has no key `totl`", "did you mean `total`?", ".get(…)"]),
        ("order['totl']", ["no key `totl`", "did you mean `total`?"]),
        ("order.qa-status", ["no key `qa`", "['qa-status']"]),
        ("order-id", ["`id` is not defined", "hyphen"]),
        ("order.lines[4].sku", ["`order.lines` is too short for `order.lines[4]`"]),
        ("order.none.x", ["TYPE_MISMATCH", "`order.none` is null", "`?.`"]),
        ("amount.x", ["TYPE_MISMATCH", "expected an object for `amount.x`", "`amount` is a number"]),
        ("amount > order.name", ["two numbers or two strings", "`amount` is a number", "`order.name` is a string"]),
        ("1 + amount + order.name", ["`1 + amount` is a number", "`order.name` is a string", "`string(x)`"]),
        ("-order.name", ["expected a number behind `-`", "`order.name` is a string"]),
        ("upper(amount)", ["first value of `upper`", "`amount` is a number"]),
        ("date_add(order.name, '1d')", ["ISO 8601", "2026-11-21", "`order.name` is another string"]),
        ("amount / (amount - 7)", ["DIVISION_BY_ZERO", "`amount / (amount - 7"]),
        ("amount in 5", ["a list, a string or an object to look in", "`5` is a number"]),
    ],
)
def test_a_failed_evaluation_says_what_by_its_name_in_the_text(text: str, needles: list[str]) -> None:
    names = {"amount": 7, "order": {"total": 1, "lines": [1], "none": None, "name": "a secret"}}
    said = str(failure(text, names))
    assert [needle for needle in needles if needle not in said] == []
    assert "secret" not in said


@pytest.mark.parametrize(
    ("text", "names", "optional"),
    [
        ("a.b > c AND d.get('x', e) == f[g]", "acdefg", ""),
        ("a? == 1 OR b?.c", "ab", "ab"),
        ("a? == 1 OR a == 2", "a", ""),
        ("default(a.b, c) + coalesce(d, e)", "acde", "ade"),
        ("a.b?.c", "a", ""),
        ("len('x') + size([1])", "", ""),
        ("len(len)", ["len"], ""),
        ("{a: b}", "b", ""),
        ("x ? y : z", "xyz", ""),
    ],
)
def test_an_expression_knows_the_names_that_it_reads(text: str, names: str, optional: str) -> None:
    expression = compile_expression(text)
    assert expression.names == frozenset(names)
    assert expression.optional_names == frozenset(optional)


def test_what_was_seen_is_kept_by_one_spelling_of_each_path() -> None:
    text = "o.a.b > 0 AND o['a'].b < 9 AND o.get('a').b? AND xs[0] AND s.length AND o['two words'] AND xs[n - 4]"
    seen = compile_expression(text).seen(NAMES)
    assert seen == {"o.a.b": 1, "xs[0]": 1, "s.length": 3, "o['two words']": 3, "xs[n - 4]": 2, "n": 5}


def test_what_is_missing_was_not_seen() -> None:
    text = "missing.x OR o.x? OR o.get('y', 5) OR n.x OR nothing.x? OR nothing OR n"
    assert compile_expression(text).seen(NAMES) == {"nothing": None, "n": 5}


def test_evaluation_changes_nothing_that_it_was_given() -> None:
    before = copy.deepcopy(NAMES)
    for text in ("xs + [4]", "sort(xs)", "unique(xs)", "slice(xs, 1)", "{'a': xs}", "o.get('x', [])", "keys(o)"):
        result = value(text)
        compile_expression(text).seen(NAMES)
        result.clear()
    assert before == NAMES


def test_two_evaluations_share_no_list() -> None:
    expression = compile_expression("[1, [2]]")
    expression.evaluate({})[1].append(3)
    assert expression.evaluate({}) == [1, [2]]


def test_one_expression_may_serve_many_threads() -> None:
    expression = compile_expression("o.get('n') % 2 == 0 ? sum(o.xs) : o.xs[0] + 1")

    def serve(n: int) -> bool:
        names = {"o": {"n": n, "xs": [n, n]}}
        return all(expression.evaluate(names) == (2 * n if n % 2 == 0 else n + 1) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(serve, range(100)))


def test_equal_texts_give_the_same_expression() -> None:
    assert compile_expression("n > 1") is compile_expression("n > 1")
    assert compile_expression("n > 1") == compile_expression("n > 1")
    assert compile_expression("n > 1") != compile_expression("n>1")


class Guarded:
    """Any use of it is a hole in the language."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Guarded
        raise AssertionError(name)

    def __getitem__(self, key: object) -> Any:
        raise AssertionError(key)


@pytest.mark.parametrize(
    "text", ["x.y", "x['y']", "x[0]", "x.get('y')", "x.length", "x > 1", "x + 1", "-x", "len(x)", "1 in x", "string(x)"]
)
def test_objects_of_the_host_are_never_looked_into(text: str) -> None:
    assert failure(text, {"x": Guarded()}).code == "TYPE_MISMATCH"


@pytest.mark.parametrize(
    "text", ["__import__('os')", "s.__class__", "''.join(xs)", "open('x')", "lambda: 1", "[x for x in xs]", "eval('1')"]
)
def test_nothing_of_the_host_can_be_reached(text: str) -> None:
    with pytest.raises((ExpressionInvalid, EvaluationFailed)):
        compile_expression(text).evaluate(NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+".join(["1"] * 1000), 1000),
        ("*".join(["1"] * 1000), 1),
        (" OR ".join(["0"] * 300 + ["2"]), 2),
        ("&&".join(["1"] * 600), 1),
        ("0?1:" * 450 + "7", 7),
        ("o" + ".a" * 990 + "?", None),
        ("[" + "1," * 990 + "1]", [1] * 991),
    ],
)
def test_a_long_chain_neither_nests_nor_recurses(text: str, expected: object) -> None:
    with low_stack():
        assert compile_expression(text).evaluate({"o": {}}) == expected


def test_the_deepest_text_needs_little_of_the_stack() -> None:
    text = "1 or 1 and not 1 == 1 + 1 * (" * 16 + "1" + ")" * 16
    with low_stack():
        assert compile_expression(text).evaluate({}) == 1
        assert compile_expression("0 or 1 and 1 + 1 * -(" * 16 + "1" + ")" * 16).test({}) is True


class low_stack:  # noqa: N801
    """Room for 500 frames and no more, wherever the test itself stands."""

    def __enter__(self) -> None:
        self.limit = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack(0)) + 500)

    def __exit__(self, *_: object) -> None:
        sys.setrecursionlimit(self.limit)
