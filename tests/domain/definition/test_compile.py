"""What each construct becomes in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.definition.model import (
    BlockStep,
    EachStep,
    Graph,
    Retry,
    RouteStep,
    TaskStep,
    Transition,
    WaitStep,
    transitions,
    ways_out,
)
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.validate import validate
from tests.domain.definition.strategies import definitions


def compiled(**steps: Any) -> Graph:
    return compile_definition({"id": "x", "version": "1.0.0", "steps": steps})


def test_a_task_keeps_what_is_said_about_it_and_the_rest_has_defaults() -> None:
    graph = compiled(
        full={
            "task": "check-credit",
            "name": "Check {{ name }}",
            "input": {"customer": "{{ id }}"},
            "output": {"score": "{{ output.score }}"},
            "retry": {
                "attempts": 5, "backoff": "2s", "factor": 3, "cap": "1m", "jitter": 0.1, "never": ["CARD_STOLEN"],
            },
            "timeout": "1h30m",
            "heartbeat": 10,
            "start_within": "PT5M",
            "queue": "gpu",
            "next": "plain",
        },
        plain={"task": "t"},
    )  # fmt: skip
    assert graph.steps == {
        "full": TaskStep(
            id="full",
            name="Check {{ name }}",
            task="check-credit",
            queue="gpu",
            input={"customer": "{{ id }}"},
            output={"score": "{{ output.score }}"},
            retry=Retry(attempts=5, backoff=2.0, factor=3.0, cap=60.0, jitter=0.1, never=("CARD_STOLEN",)),
            timeout=5400.0,
            heartbeat=10.0,
            start_within=300.0,
            incoming=("->full",),
            outgoing=(Transition(id="full->plain", target="plain"),),
        ),
        "plain": TaskStep(id="plain", task="t", incoming=("full->plain",)),
    }


def test_a_first_pause_beyond_the_usual_cap_raises_the_cap() -> None:
    step = compiled(a={"task": "t", "retry": {"backoff": "5m"}}).steps["a"]
    assert isinstance(step, TaskStep)
    assert (step.retry.backoff, step.retry.cap) == (300.0, 300.0)


@pytest.mark.parametrize(
    ("wait", "step"),
    [
        ("5m", WaitStep(id="a", duration=300.0, incoming=("->a",))),
        (0, WaitStep(id="a", duration=0.0, incoming=("->a",))),
        ("{{ minutes }}m", WaitStep(id="a", duration="{{ minutes }}m", incoming=("->a",))),
        ({"until": "{{ ship_date }}"}, WaitStep(id="a", until="{{ ship_date }}", incoming=("->a",))),
        ({"until": "2027-01-31T09:00:00Z"}, WaitStep(id="a", until="2027-01-31T09:00:00Z", incoming=("->a",))),
    ],
)
def test_a_wait_is_for_a_while_or_until_a_moment(wait: Any, step: WaitStep) -> None:
    assert compiled(a={"wait": wait}).steps["a"] == step


def test_a_choice_tries_its_branches_in_order_and_otherwise_last() -> None:
    graph = compiled(
        a={"choose": [{"when": "x > 1", "next": "b"}, {"otherwise": "c"}, {"when": True, "next": "end"}]},
        b={"pass": True},
        c={"pass": True},
    )
    assert graph.steps["a"] == RouteStep(
        id="a",
        split="exclusive",
        incoming=("->a",),
        outgoing=(
            Transition(id="a->b", target="b", when="x > 1"),
            Transition(id="a->", target="", when="true"),
            Transition(id="a->c", target="c", otherwise=True),
        ),
    )


def test_twins_have_numbers_and_arrive_apart() -> None:
    graph = compiled(
        a={"choose": [{"when": "x", "next": "b"}, {"when": "y", "next": "b"}, {"otherwise": "b"}]}, b={"pass": True}
    )
    assert [t.id for t in graph.steps["a"].outgoing] == ["a->b", "a->b#2", "a->b#3"]
    assert graph.steps["b"].incoming == ("a->b", "a->b#2", "a->b#3")


def test_a_fork_takes_all_and_a_join_names_what_it_waits_for() -> None:
    graph = compiled(
        fork={"parallel": ["ocr", "classify"]},
        ocr={"task": "ocr", "next": "joined"},
        classify={"task": "classify", "next": "joined"},
        joined={"pass": True, "join": "all"},
    )
    assert graph.steps["fork"].split == "parallel"
    assert graph.steps["joined"] == RouteStep(id="joined", join="all", incoming=("ocr->joined", "classify->joined"))


@pytest.mark.parametrize("kind", [{"task": "t"}, {"wait": 1}, {"set": {"v": 1}}, {"pass": True}])
def test_every_kind_that_goes_on_takes_all_three_forms_of_next(kind: dict[str, Any]) -> None:
    others = {"b": {"pass": True}, "c": {"pass": True}}
    one = compiled(a={**kind, "next": "b"}, b={"pass": True}).steps["a"]
    assert (one.split, [t.target for t in one.outgoing]) == ("exclusive", ["b"])
    both = compiled(a={**kind, "next": ["b", "c"]}, **others).steps["a"]
    assert (both.split, [t.target for t in both.outgoing]) == ("parallel", ["b", "c"])
    either = compiled(a={**kind, "next": [{"when": "x", "next": "b"}, {"otherwise": "c"}]}, **others).steps["a"]
    assert (either.split, [(t.when, t.target) for t in either.outgoing]) == ("exclusive", [("x", "b"), (None, "c")])


def test_a_path_ends_where_nothing_follows_or_end_does() -> None:
    graph = compiled(
        a={"task": "t", "next": [{"when": "x", "next": "b"}, {"otherwise": "end"}]}, b={"pass": True, "next": "end"}
    )
    assert graph.steps["a"].outgoing[1] == Transition(id="a->", target="", otherwise=True)
    assert graph.steps["b"].outgoing == ()


def test_it_starts_with_the_first_step_or_as_it_says() -> None:
    steps = {"b": {"pass": True, "next": "a"}, "a": {"pass": True, "join": "any"}}
    source = {"id": "x", "version": "1.0.0", "steps": steps}
    assert compile_definition(source).start == (Transition(id="->b", target="b"),)
    both = compile_definition({**source, "start": ["a", "b"]})
    assert [t.id for t in both.start] == ["->a", "->b"]
    assert both.steps["a"].incoming == ("->a", "b->a")


def test_the_head_of_a_definition_is_kept() -> None:
    graph = compile_definition(
        {
            "id": "order", "version": "1.0.0-rc.1", "name": "Order", "description": "d", "tags": ["sales"],
            "input": {"type": "object"}, "variables": {"currency": "EUR"}, "timeout": "30d",
            "queues": {"default": {"transport": "http"}}, "output": {"ok": "{{ ok? }}"}, "steps": {"a": {"task": "t"}},
        }
    )  # fmt: skip
    assert (graph.id, graph.version, graph.name, graph.tags) == ("order", "1.0.0-rc.1", "Order", ("sales",))
    assert (graph.input_schema, graph.variables, graph.timeout) == ({"type": "object"}, {"currency": "EUR"}, 2592000.0)
    assert (graph.queues, graph.output) == ({"default": "http"}, {"ok": "{{ ok? }}"})


RECORDED = """
id: order-approval
version: 1.2.3
variables: {currency: EUR}
timeout: 30d
steps:
  check: {task: check-credit, retry: {attempts: 5}, next: [{when: amount > 10000, next: board}, {otherwise: fork}]}
  board: {wait: 5m}
  fork: {parallel: [a, b]}
  a: {set: {x: "{{ amount * 2 }}"}, next: joined}
  b: {task: b, timeout: "{{ n }}s", next: joined}
  joined: {pass: true, join: all}
"""


def test_the_digest_of_a_source_is_the_same_for_ever() -> None:
    """Executions have pinned such digests: if this fails, the compiler has changed what it makes of old sources."""
    graph = compile_definition(read_definition(RECORDED).value)
    assert digest_of(graph) == "c4e65f80f1e65e5e6906172a02a3d37a6c4a68766418099ac6cc4cc0579a5e2e"


def test_the_digest_changes_with_the_meaning_and_not_with_the_writing() -> None:
    source = {
        "id": "x",
        "version": "1.0.0",
        "start": "a",
        "steps": {"a": {"wait": "1m", "next": "b"}, "b": {"pass": True}},
    }
    same = {"steps": {"b": {"pass": True}, "a": {"next": "b", "wait": 60}}, "start": "a", "version": "1.0.0", "id": "x"}
    other = {**source, "start": "b", "steps": {"a": {"pass": True}, "b": {"pass": True, "next": "a"}}}
    digest = digest_of(compile_definition(source))
    assert digest_of(compile_definition(same)) == digest
    assert digest_of(compile_definition(other)) != digest


def test_an_unsound_source_is_refused_with_all_its_findings() -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        compiled(a={"task": "t", "timeout": "x", "next": "c"}, b={"choose": [{"when": "x", "next": "end"}]})
    assert {f.code for f in caught.value.findings} == {
        "BAD_DURATION",
        "DANGLING_REFERENCE",
        "UNREACHABLE",
        "NO_OTHERWISE",
    }
    assert "steps.a.timeout: " in str(caught.value)


@given(definitions())
def test_random_sound_definitions_compile_to_whole_graphs(source: dict[str, Any]) -> None:
    assert [finding for finding in validate(source) if finding.severity == "error"] == []
    graph = compile_definition(source)
    ways = list(transitions(graph))
    assert len({t.id for t in ways}) == len(ways)
    offered = {t.id for step in graph.steps.values() for t in step.offers}
    arriving = sorted(t.id for t in ways if t.target and t.id not in offered)
    assert arriving == sorted(t for step in graph.steps.values() for t in step.incoming)
    for way in ways:
        assert not way.target or way.id in offered or way.id in graph.steps[way.target].incoming
    for step in graph.steps.values():
        assert not step.within or isinstance(graph.steps[step.within], BlockStep | EachStep)
        assert {graph.steps[t.target].within for t in ways_out(step) if t.target} <= {step.within}
        assert all(not t.otherwise for t in step.outgoing[:-1])


@given(definitions())
def test_the_digest_survives_the_log(source: dict[str, Any]) -> None:
    graph = compile_definition(source)
    stored = msgspec.json.decode(msgspec.json.encode(graph), type=Graph)
    assert stored == graph
    assert digest_of(stored) == digest_of(graph)
    assert digest_of(compile_definition(msgspec.json.decode(msgspec.json.encode(source)))) == digest_of(graph)


_leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
_words = st.sampled_from([
    "id", "version", "steps", "start", "task", "wait", "until", "choose", "when", "next", "otherwise", "parallel",
    "set", "first", "include", "threads", "send", "cancel", "fail", "escalate", "finish", "compensate", "do", "while",
    "each", "workflow", "catch", "error", "escalation", "after", "message", "key", "signal", "cron", "lock", "offers",
    "undo", "enough", "rest", "triggers", "every", "hook", "at_once", "collect", "into", "await", "version",
    "pass", "join", "all", "a", "b", "end", "retry", "input", "output", "queues", "transport", "variables", "timeout",
    "$ref", "properties", "allOf", "{{ x }}", "{{ x", "1.0.0", "5s", "x > 1",
])  # fmt: skip
_junk = st.recursive(
    _leaf | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(_words, _junk, max_size=8))
def test_random_json_is_compiled_or_refused_and_nothing_else(source: dict[str, Any]) -> None:
    _compiles_or_is_refused(source)


@given(definitions(max_blocks=3), st.data())
def test_a_sound_definition_with_one_part_replaced_is_compiled_or_refused(
    source: dict[str, Any], data: st.DataObject
) -> None:
    source = deepcopy(source)
    holders = [holder for holder in _containers(source) if holder]
    holder = holders[data.draw(st.integers(0, len(holders) - 1))]
    slots: Any = list(holder) if isinstance(holder, dict) else range(len(holder))
    holder[data.draw(st.sampled_from(slots))] = data.draw(_junk)
    _compiles_or_is_refused(source)


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _containers(item)


def _compiles_or_is_refused(source: dict[str, Any]) -> None:
    errors = [finding for finding in validate(source) if finding.severity == "error"]
    if errors:
        with pytest.raises(DefinitionInvalid, match=r"\w"):
            compile_definition(source)
    else:
        assert digest_of(compile_definition(source))
