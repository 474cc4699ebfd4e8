"""What is different between two definitions, change by change."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.diff import Change, diff
from penstock.domain.definition.model import BlockStep, Catch, Graph, RouteStep, TaskStep, Transition
from penstock.domain.definition.read import read_definition
from tests.domain.definition.strategies import definitions

OLD = """
id: order
version: 1.0.0
input: {properties: {amount: {type: number}}}
variables: {score: 0, note: null}
steps:
  check:
    task: check-credit
    timeout: 5m
    input: {who: "{{ customer }}", items: [1, 2]}
    next:
      - {when: score >= 600, next: ship}
      - {when: score >= 100, next: review}
      - {otherwise: end}
  review: {wait: 1h, next: ship}
  ship: {task: ship}
"""


def graph(text: str) -> Graph:
    return compile_definition(read_definition(text, "order.yaml").value)


def changed(*edits: tuple[str, str]) -> dict[str, Change]:
    """What is different, by path, when parts of the text are replaced."""
    text = OLD
    for part, other in edits:
        assert part in text
        text = text.replace(part, other, 1)
    return {change.path: change for change in diff(graph(OLD), graph(text))}


def only(*edits: tuple[str, str]) -> Change:
    (change,) = changed(*edits).values()
    return change


def test_a_definition_does_not_differ_from_itself_and_its_version_does_not_count() -> None:
    assert diff(graph(OLD), graph(OLD)) == ()
    assert changed(("1.0.0", "2.0.0")) == {}


def test_a_changed_field_says_what_it_was_and_is() -> None:
    change = only(("timeout: 5m", "timeout: 10m"))
    assert (change.kind, change.subject, change.name, change.field) == ("changed", "step", "check", "timeout")
    assert (change.path, change.old, change.new) == ("steps.check.timeout", 300.0, 600.0)
    assert str(change) == "step check: timeout is 600.0, and was 300.0"


def test_only_the_smallest_part_that_differs_is_told() -> None:
    assert str(only(("items: [1, 2]", "items: [1, 3]"))) == "step check: input.items[1] is 3, and was 2"
    assert str(only(("items: [1, 2]", "items: [1]"))) == "step check: input.items is [1], and was [1,2]"
    assert str(only(("type: number", "type: integer"))) == "input: properties.amount.type is integer, and was number"


def test_a_default_that_is_changed_is_told_with_the_default() -> None:
    change = only(("timeout: 5m", "timeout: 5m\n    retry: {attempts: 7}"))
    assert str(change) == "step check: retry.attempts is 7, and was 3"


def test_what_comes_and_goes_is_new_or_gone() -> None:
    found = changed(("    timeout: 5m\n", ""), ("id: order\n", "id: order\ntimeout: 3d\n"))
    assert [str(change) for change in found.values()] == [
        "definition: timeout is new: 259200.0",
        "step check: timeout is gone, and was 300.0",
    ]


def test_a_step_that_comes_brings_its_transitions() -> None:
    found = changed(
        ("  review: {wait: 1h, next: ship}", "  review: {wait: 1h, next: pack}\n  pack: {pass: true, next: ship}")
    )
    assert [str(change) for change in found.values()] == [
        "transition review->ship is gone",
        "transition review->pack is new",
        "step pack (route) is new",
        "transition pack->ship is new",
    ]
    assert found["steps.pack"].new["type"] == "route"


def test_a_step_that_goes_is_told_where_it_stood() -> None:
    found = changed(
        ("      - {when: score >= 100, next: review}\n", ""),
        ("  review: {wait: 1h, next: ship}\n", ""),
    )
    assert [str(change) for change in found.values()] == [
        "transition check->review (when score >= 100) is gone",
        "step review (wait) is gone",
        "transition review->ship is gone",
    ]


def test_a_changed_condition_is_one_change_of_its_transition() -> None:
    change = only(("score >= 600", "score >= 650"))
    assert (change.subject, change.name, change.field) == ("transition", "check->ship", "when")
    assert change.path == 'steps.check.outgoing["check->ship"].when'
    assert str(change) == "transition check->ship: condition is score >= 650, and was score >= 600"


def test_the_order_of_conditions_counts() -> None:
    first, second = "- {when: score >= 600, next: ship}", "- {when: score >= 100, next: review}"
    change = only((f"{first}\n      {second}", f"{second}\n      {first}"))
    assert change.field == "outgoing"
    assert change.new == ["check->review", "check->ship", "check->"]


def test_a_step_of_another_kind_is_told_with_what_only_one_of_them_says() -> None:
    found = changed(("review: {wait: 1h", "review: {task: review, queue: people"))
    assert [str(change) for change in found.values()] == [
        "step review: kind is task, and was wait",
        "step review: duration is gone, and was 3600.0",
        "step review: task is new: review",
        "step review: queue is new: people",
    ]


def test_a_variable_that_is_null_is_not_one_that_is_missing() -> None:
    found = changed(("note: null", "more: {}"))
    assert [str(change) for change in found.values()] == [
        "variable note is gone, and was null",
        "variable more is new: {}",
    ]
    assert str(only(("score: 0", "score: false"))) == "variable score is false, and was 0"


def test_queues_are_told_by_name() -> None:
    change = only(("version: 1.0.0", "version: 1.0.0\nqueues: {default: {transport: http}}"))
    assert str(change) == "queue default is new: http"


def test_the_start_is_a_transition_too() -> None:
    found = changed(("version: 1.0.0", "version: 1.0.0\nstart: [check, review]"))
    assert [str(change) for change in found.values()] == ["transition ->review is new"]
    assert list(found) == ['start["->review"]']


def test_long_values_are_shortened_for_people_only() -> None:
    change = only(("task: check-credit", f"task: {'x' * 100}"))
    assert change.new == "x" * 100
    assert str(change) == f"step check: task is {'x' * 80}…, and was check-credit"


def test_kinds_and_fields_of_later_releases_need_no_change_here() -> None:
    def made(**more: Any) -> Graph:
        inner = RouteStep(id="inner", within="block")
        catch = Catch(
            kind="error", codes=("LATE",), exit=Transition(id="block->end", target="", when=more.pop("when", None))
        )
        block = BlockStep(id="block", start=(Transition(id="->inner", target="inner"),), catches=(catch,), **more)
        return Graph(id="x", version="1.0.0", start=(), steps={"block": block, "inner": inner})

    assert diff(made(), made()) == ()
    assert [str(change) for change in diff(made(), made(loop="while", condition="n < 3", when="late"))] == [
        "step block: catches[0].exit.when is new: late",
        "step block: loop is new: while",
        "step block: condition is new: n < 3",
    ]
    task = msgspec.structs.replace(made(), steps={"inner": TaskStep(id="inner", task="t")})
    assert [str(change) for change in diff(made(), task)][:2] == [
        "step block (block) is gone",
        "step inner: kind is task, and was route",
    ]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(definitions(), definitions())
def test_there_is_a_change_exactly_where_digests_differ(one: Any, other: Any) -> None:
    old, new = compile_definition(one), compile_definition(other)
    named = msgspec.structs.replace(new, id=old.id, version=old.version)
    assert diff(old, old) == ()
    assert bool(diff(old, new)) == (digest_of(old) != digest_of(named))
    there, back = diff(old, new), diff(new, old)
    assert {c.path for c in there if c.kind == "added"} == {c.path for c in back if c.kind == "removed"}


@pytest.mark.parametrize("kind", ["added", "removed", "changed"])
def test_a_change_can_be_read_by_programs(kind: str) -> None:
    found = changed(("score: 0, note: null", "score: 1, more: 2"))
    assert kind in {msgspec.to_builtins(change)["kind"] for change in found.values()}
