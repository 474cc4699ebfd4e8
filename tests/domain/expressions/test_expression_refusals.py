"""What the author of a wrong expression is told."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from penstock.domain.expressions.expression import EvaluationFailed, ExpressionInvalid, compile_expression
from penstock.domain.expressions.failures import did_you_mean

REFUSALS = [
    ("", 1, ["it is empty"]),
    (" \n ", 1, ["it is empty"]),
    ("amount = 5", 8, ["found `=`", "to compare, write `==`"]),
    ("amount > 1,000", 12, ["thousands separators", "1000, not 1,000"]),
    ("amount > 1,500", 11, ["found `,`", "thousands separators"]),
    ("amount > 007", 10, ["begins with 0"]),
    ("1_000", 1, ["without separators: 1000"]),
    ("30m", 1, ["a duration is a string: '30m'"]),
    (".5", 1, ["write 0.5, not .5"]),
    ("9007199254740993", 1, ["from -2^53 to 2^53"]),
    ("1e999", 1, ["too large"]),
    ("9" * 400, 1, ["too large"]),
    ("'abc", 1, ["closing quote is missing", "close it with '"]),
    ('"abc\\"', 1, ["closing quote is missing"]),
    ("'a\\qb'", 3, ["`\\q`", "`\\\\`"]),
    ("'\\ud800'", 1, ["half a character"]),
    ("'\\u0000'", 1, ["NUL"]),
    ("a\0", 2, ["NUL"]),
    ("a == ‘b’", 6, ["straight quotes"]),
    ("a == “b”", 6, ["straight quotes"]),
    ("a == `b`", 6, ["'single'"]),
    ("a & b", 3, ["write `&&` or `AND`"]),
    ("a | b", 3, ["write `||` or `OR`"]),
    ("a <> b", 3, ["write `!=`"]),
    ("a => b", 3, ["write `>=`"]),
    ("a =< b", 3, ["write `<=`"]),
    ("a ≥ b", 3, ["write `>=`"]),
    ("a ** b", 3, ["no power operator"]),
    ("a // b", 3, ["floor(a / b)"]),
    ("a ?? b", 3, ["default(a, b)"]),
    ("a += 1", 3, ["changes nothing"]),
    ("a; b", 2, ["one expression stands alone"]),
    ("$a", 1, ["without `$`"]),
    ("a # why", 3, ["no comments"]),
    ("a is b", 3, ["found `is`", "write `==`"]),
    ("a equals b", 3, ["write `==`"]),
    ("a b", 3, ["expected an operator or the end, but found `b`"]),
    ("a contains b", 3, ["contains(a, b)"]),
    ("a if b else c", 3, ["condition ? a : b"]),
    ("a matches 'b'", 3, ["no patterns"]),
    ("1 < a < 3", 7, ["one comparison", "1 < x AND x < 10"]),
    ("a == b != c", 8, ["one comparison"]),
    ("a in b not in c", 8, ["one comparison"]),
    ("1 + not a", 5, ["NOT binds less", "parentheses"]),
    ("a == NOT b", 6, ["NOT binds less"]),
    ("a >", 4, ["expected a value, but it ends here"]),
    ("AND a", 1, ["expected a value, but found `AND`"]),
    ("(a", 3, ["expected `)` to close the parentheses, but it ends here"]),
    ("a)", 2, ["expected an operator or the end, but found `)`"]),
    ("()", 2, ["expected a value, but found `)`"]),
    ("[1, 2", 6, ["expected `]` or `,` here"]),
    ("[1 2]", 4, ["expected `]` or `,` here, but found `2`"]),
    ("{'a': 1, 'a': 2}", 10, ["`a` comes again"]),
    ("{1: 2}", 2, ["expected a key of the object"]),
    ("{'a' 1}", 6, ["expected `:` after the key"]),
    ("{{ a }}", 2, ["`{{ }}` of a template"]),
    ("a ? b", 6, ["expected `:`"]),
    ("a? - 1", 7, ["expected `:`", "parentheses"]),
    ("a.0.b", 3, ["in brackets: [0]"]),
    ("a.", 3, ["expected a key after `.`, but it ends here"]),
    ("a['b'", 6, ["expected `]` after the key or place"]),
    ("5.x", 2, ["no `.` after a number"]),
    ("1.2.3", 4, ["after a number"]),
    ("null.x", 5, ["after a number, boolean or null"]),
    ("a.get()", 3, ["got 0 arguments"]),
    ("a.get(1, 2, 3)", 3, ["got 3 arguments"]),
    ("a.upper()", 3, ["the only method", "`upper(value, …)`"]),
    ("a.startsWith('b')", 3, ["`starts_with(value, …)`"]),
    ("a.length()", 3, ["`.length` without parentheses"]),
    ("a.foo()", 3, ["in front of their values"]),
    ("lenght(a)", 1, ["`lenght`", "`len`"]),
    ("uper(a)", 1, ["did you mean `upper`"]),
    ("toLowerCase(a)", 1, ["write `lower`"]),
    ("range(5)", 1, ["a step of its own"]),
    ("now()", 1, ["a name and not a function"]),
    ("zzzz(a)", 1, ["known are len, size"]),
    ("len()", 1, ["expected `len(value)`, but got 0 arguments"]),
    ("len(a, b)", 1, ["got 2 arguments"]),
    ("replace(a, b)", 1, ["replace(text, old, new)"]),
    ("a == NULL", 6, ["write `null`"]),
    ("a == undefined", 6, ["write `null`"]),
    ("a == TRUE", 6, ["write `true`"]),
    ("x" * 2001, 2001, ["at most 2,000 characters", "2,001"]),
    ("(" * 33 + "1" + ")" * 33, 34, ["at most 32 levels of nesting"]),
    ("!" * 33 + "1", 34, ["at most 32 levels"]),
    ("-" * 33 + "1", 34, ["at most 32 levels"]),
    ("[" * 33 + "]" * 33, 34, ["at most 32 levels"]),
    ("a[" * 33 + "1" + "]" * 33, 67, ["at most 32 levels"]),
    ("len(" * 33 + "a" + ")" * 33, 133, ["at most 32 levels"]),
    ("a?" * 33 + "1" + ":1" * 33, 67, ["at most 32 levels"]),
]


@pytest.mark.parametrize(("text", "column", "needles"), REFUSALS, ids=[text[:20] or "empty" for text, _, _ in REFUSALS])
def test_a_wrong_text_is_refused_at_its_place_with_help(text: str, column: int, needles: list[str]) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_expression(text)
    said = str(caught.value)
    assert [needle for needle in needles if needle not in said] == []
    assert caught.value.column == column
    assert f"(column {column} of `" in said


@pytest.mark.parametrize(
    "text", ["(" * 32 + "1" + ")" * 32, "!" * 32 + "1", "-" * 32 + "1", "[" * 32 + "]" * 32, "1" + " " * 1999]
)
def test_what_just_keeps_to_the_limits_is_accepted(text: str) -> None:
    compile_expression(text).evaluate({})


@pytest.mark.parametrize(("text", "shown"), [(True, "'true'"), (5, "'5'"), (None, "'None'"), (["a"], "\"['a']\"")])
def test_what_is_no_text_is_refused_with_the_advice_to_quote_it(text: Any, shown: str) -> None:
    with pytest.raises(ExpressionInvalid, match="expected an expression as text") as caught:
        compile_expression(text)
    assert "write it in quotes" in caught.value.suggestion
    assert shown.strip("'\"") in caught.value.suggestion


@pytest.mark.parametrize("word", ["TRUE", "none", "undefined", "and", "in", "true"])
def test_a_reserved_word_may_be_a_key(word: str) -> None:
    assert compile_expression(f"{{{word}: 1}}.{word}").evaluate({}) == 1


def test_errors_survive_the_way_to_another_process() -> None:
    invalid = ExpressionInvalid("message", "source", 3, "advice")
    failed = EvaluationFailed("TOO_LARGE", "message")
    assert str(pickle.loads(pickle.dumps(invalid))) == str(invalid)
    assert str(pickle.loads(pickle.dumps(failed))) == "TOO_LARGE: message"


def test_suggestions_are_looked_for_only_among_what_is_short() -> None:
    assert did_you_mean("statu", ["status", "x" * 100_000, 5]) == "did you mean `status`?"
    assert did_you_mean("x" * 1000, ["x" * 999]) == ""
    assert did_you_mean("Amount", ["amount"]) == "did you mean `amount`?"
