"""What templates render, beyond the examples of the reference page."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from penstock.domain.expressions.template import EvaluationFailed, ExpressionInvalid, compile_template

NAMES: dict[str, Any] = {
    "variables": {
        "x": 1,
        "f": 1.5,
        "yes": True,
        "none": None,
        "text": "é",
        "list": [1, {"a": "ö"}],
        "braces": "{{ x }}",
    },
    "task": {"slug": "s"},
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{variables.x}}", 1),
        ("{{ variables.none }}", None),
        ("{{ variables.list }}", [1, {"a": "ö"}]),
        ("{{ variables.x }} ", "1 "),
        ("{{ variables.f }}/{{ variables.yes }}/{{ variables.text }}", "1.5/true/é"),
        ("{{ variables.list }}!", '[1,{"a":"ö"}]!'),
        ("{{ variables.braces }}", "{{ x }}"),
        ("-{{ variables.braces }}-", "-{{ x }}-"),
        ("{{ '}}' }}{{ \"'}}\" }}", "}}'}}"),
        ("{{ '\\'}}' }}.", "'}}."),
        ("{{ {'a': {}} }}", {"a": {}}),
        ("{{ {'a': 1}.a }}{{ [{}] }}", "1[{}]"),
        ("{{ variables.get('no') }}", None),
        ("[{{ variables.get('no') }}]", "[]"),
        ("[{{ variables.none? }}]", "[]"),
        ("[{{ variables?.no }}]", "[]"),
        ("a {{\n variables.x\n}} b", "a 1 b"),
        ({"a": ["{{ task.slug }}", {"b": "{{ variables.x }}"}], "c": None}, {"a": ["s", {"b": 1}], "c": None}),
    ],
)
def test_a_template_renders(value: object, expected: object) -> None:
    assert compile_template(value).render(NAMES) == expected


@pytest.mark.parametrize("value", [None, True, 1, 0.5, "", "plain", "} } { {", "}}", [], {}, {"a": ["b", {"c": 1}]}])
def test_a_value_without_expressions_is_constant(value: object) -> None:
    template = compile_template(value)
    assert template.is_constant
    assert template.names == frozenset()
    assert template.render({}) == value


def test_a_template_knows_the_names_that_it_reads() -> None:
    template = compile_template({"a": "{{ x.y }}-{{ z? }}", "b": ["{{ default(w, 1) }}", "{{ z? }}"]})
    assert not template.is_constant
    assert template.names == {"x", "z", "w"}
    assert template.optional_names == {"z", "w"}


def test_a_name_that_is_needed_anywhere_is_not_optional() -> None:
    assert compile_template(["{{ z? }}", "{{ z }}"]).optional_names == frozenset()


def test_a_constant_expression_is_no_constant_template() -> None:
    template = compile_template("{{ 1 + 1 }}")
    assert not template.is_constant
    assert template.render({}) == 2


@pytest.mark.parametrize(
    ("value", "code", "needles"),
    [
        ("{{ nope }}", "UNDEFINED_NAME", ["`nope`"]),
        ({"params": {"url": ["x", "{{ nope }}"]}}, "UNDEFINED_NAME", ["in `params.url[1]`: ", "`nope`"]),
        ("a {{ variables.none }}", "TYPE_MISMATCH", ["`variables.none` is null", "`?`", "default("]),
        ("a {{ variables.get('no') || null }}", "TYPE_MISMATCH", ["is null"]),
        ("{{ variables.x + 'a' }}", "TYPE_MISMATCH", ["`variables.x` is a number"]),
    ],
)
def test_what_cannot_be_rendered_fails_by_name_and_place(value: object, code: str, needles: list[str]) -> None:
    with pytest.raises(EvaluationFailed) as caught:
        compile_template(value).render(NAMES)
    assert caught.value.code == code
    assert [needle for needle in needles if needle not in caught.value.message] == []


@pytest.mark.parametrize(
    ("value", "column", "needles"),
    [
        ("a {{ b", 3, ["expected `}}`", "{{ '{{' }}"]),
        ("a {{ b's }}", 3, ["a quote ' in it is not closed"]),
        ("a {{ }}", 5, ["it is empty"]),
        ("ab {{ c = d }}", 9, ["write `==`"]),
        ({"x": [{"y": "{{ a b }}"}]}, 6, ["in `x[0].y`: ", "found `b`"]),
        ({"{{ a }}": 1}, 1, ["keys are no templates"]),
        ("{{ {'a': 1 }}", 1, ["expected `}}`"]),
    ],
)
def test_a_wrong_template_is_refused_at_its_place(value: object, column: int, needles: list[str]) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_template(value)
    assert caught.value.column == column
    assert [needle for needle in needles if needle not in str(caught.value)] == []


def test_a_text_that_would_become_too_large_is_refused_before_it_is_made() -> None:
    template = compile_template("{{ t }}" * 100_000)
    with pytest.raises(EvaluationFailed, match="TOO_LARGE"):
        template.render({"t": "x" * 60_000})


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    value: Any = "{{ x }}"
    for _ in range(64):
        value = [value]
    compile_template(value)
    with pytest.raises(ExpressionInvalid, match="64 levels"):
        compile_template([value])


def test_rendering_changes_neither_the_template_nor_the_names() -> None:
    value = {"a": ["{{ task }}", {"b": [1]}], "c": {"d": 1}}
    before = copy.deepcopy((value, NAMES))
    template = compile_template(value)
    first = template.render(NAMES)
    first["a"].append(1)
    assert template.render(NAMES) == {"a": [{"slug": "s"}, {"b": [1]}], "c": {"d": 1}}
    assert (value, NAMES) == before
