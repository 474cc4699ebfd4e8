"""What of a running execution has no place in another version."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.domain.definition.compatibility import compatible
from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.model import BYPASS, BlockStep, Graph, Step, TaskStep, Transition, WaitStep
from penstock.domain.definition.read import read_definition

OLD = """
id: order
version: 1.0.0
start: [stock, credit]
steps:
  stock: {task: check-stock, next: both}
  credit: {task: check-credit, next: both}
  both: {task: decide, join: all, next: ship}
  ship: {wait: 1h}
"""


def graph(text: str) -> Graph:
    return compile_definition(read_definition(text, "order.yaml").value)


def codes(new: str | Graph, steps: tuple[str, ...] = (), tokens: tuple[str, ...] = ()) -> list[str]:
    wanted = graph(new) if isinstance(new, str) else new
    return [problem.code for problem in compatible(graph(OLD), wanted, steps, tokens)]


def edited(*edits: tuple[str, str]) -> str:
    text = OLD
    for part, other in edits:
        assert part in text
        text = text.replace(part, other)
    return text


def test_an_execution_is_compatible_with_its_own_version() -> None:
    assert codes(OLD, ("stock", "credit", "both", "ship"), ("stock->both", "->credit")) == []


def test_what_was_not_reached_yet_may_change_as_it_likes() -> None:
    new = edited(("ship: {wait: 1h}", "ship: {task: ship}"), ("task: decide, join: all, next: ship", "task: decide"))
    new = new.replace("  ship: {task: ship}\n", "")
    assert codes(new, ("stock",), ()) == []


def test_an_open_step_that_is_gone_has_no_place() -> None:
    new = edited((", next: ship", ""), ("  ship: {wait: 1h}\n", ""))
    (problem,) = compatible(graph(OLD), graph(new), ["ship"])
    assert (problem.code, problem.place) == ("STEP_REMOVED", "ship")
    assert str(problem) == "step ship is open, but is gone [STEP_REMOVED]"


def test_an_open_step_keeps_its_kind() -> None:
    (problem,) = compatible(graph(OLD), graph(edited(("ship: {wait: 1h}", "ship: {task: ship}"))), ["ship"])
    assert problem.code == "KIND_CHANGED"
    assert "open as a wait step, but is a task step" in problem.message


def test_an_open_step_may_change_its_fields() -> None:
    assert codes(edited(("{wait: 1h}", "{wait: 2h}"), ("check-stock", "look")), ("ship", "stock")) == []


def test_a_token_needs_its_transition() -> None:
    new = edited(
        ("check-stock, next: both", "check-stock, next: other"),
        ("  ship:", "  other: {pass: true, next: both}\n  ship:"),
    )
    assert codes(new, (), ("stock->both",)) == ["TRANSITION_REMOVED"]
    assert codes(new, (), ("->credit",)) == []


def test_a_token_at_a_join_needs_the_same_join() -> None:
    third = edited(
        ("start: [stock, credit]", "start: [stock, credit, risk]"),
        ("  both:", "  risk: {task: check-risk, next: both}\n  both:"),
    )
    assert codes(third, (), ("stock->both",)) == ["JOIN_CHANGED"]
    assert codes(edited(("join: all, ", "")), (), ("stock->both",)) == ["JOIN_CHANGED"]
    assert codes(third, ("stock",), ()) == []


def test_a_token_before_a_step_that_lets_each_in_does_not_mind_other_ways_in() -> None:
    new = edited(("start: [stock, credit]", "start: [stock, credit, ship]"))
    assert codes(new, (), ("both->ship",)) == []


def test_each_problem_is_told_once_in_the_order_asked_for() -> None:
    new = edited(
        ("{wait: 1h}", "{task: ship}"),
        ("start: [stock, credit]", "start: credit"),
        ("  stock: {task: check-stock, next: both}\n", ""),
    )
    assert codes(new, ("ship", "stock", "ship"), ("->stock", "->stock")) == [
        "KIND_CHANGED",
        "STEP_REMOVED",
        "TRANSITION_REMOVED",
    ]


def nested(within: str = "block", **more: Any) -> Graph:
    steps: dict[str, Step] = {
        "block": BlockStep(id="block", start=(Transition(id="block/->inner", target="inner"),)),
        "inner": TaskStep(id="inner", task="t", within=within),
        "after": WaitStep(id="after", duration=1.0),
    }
    return Graph(
        id="order", version="1.0.0", start=(Transition(id="->block", target="block"),), steps={**steps, **more}
    )


def test_an_open_step_stays_in_its_composite_step() -> None:
    (problem,) = compatible(nested(), nested(within=""), ["inner"])
    assert problem.code == "STEP_MOVED"
    assert "in no other step, and was in block" in problem.message


def test_the_composite_steps_around_an_open_step_count_too() -> None:
    found = compatible(nested(), nested(block=TaskStep(id="block", task="t")), ["inner"])
    assert [(problem.code, problem.place) for problem in found] == [("KIND_CHANGED", "block")]


def test_a_token_before_a_step_that_moved_has_no_place() -> None:
    found = compatible(nested(), nested(within="after"), (), ["block/->inner", f"{BYPASS}inner"])
    assert [problem.code for problem in found] == ["STEP_MOVED", "STEP_MOVED"]


def test_a_token_that_passes_the_join_by_needs_only_the_step() -> None:
    place = (f"{BYPASS}both",)
    assert codes(edited(("join: all, ", "")), (), place) == []
    old = graph(OLD)
    gone = msgspec.structs.replace(old, steps={name: step for name, step in old.steps.items() if name != "both"})
    assert codes(gone, (), place) == ["TRANSITION_REMOVED"]


def test_a_step_that_neither_version_knows_is_told() -> None:
    assert codes(OLD, ("nothing",)) == ["STEP_REMOVED"]
