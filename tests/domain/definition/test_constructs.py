"""What the constructs with bodies, events and failures become in the graph."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.limits import ALL_AT_ONCE
from penstock.domain.definition.model import (
    BlockStep,
    Catch,
    CompensateStep,
    EachStep,
    Event,
    Graph,
    ListenStep,
    Option,
    RouteStep,
    Send,
    Step,
    Throw,
    Transition,
    Trigger,
    Undo,
    WaitStep,
    WorkflowStep,
    transitions,
)


def compiled(head: dict[str, Any] | None = None, **steps: Any) -> Graph:
    return compile_definition({"id": "x", "version": "1.0.0", **(head or {}), "steps": steps})


def only(**step: Any) -> Step:
    return compiled(a=step).steps["a"]


def way(id: str, target: str = "") -> Transition:  # noqa: A002
    return Transition(id=id, target=target)


def test_the_steps_of_a_body_follow_theirs_in_one_table() -> None:
    graph = compiled(
        first={"task": "t", "next": "outer"},
        outer={
            "do": {"one": {"task": "t", "next": "inner"}, "inner": {"do": {"two": {"pass": True}}}},
            "next": "last",
        },
        last={"task": "t"},
    )
    assert [(step.id, step.within) for step in graph.steps.values()] == [
        ("first", ""), ("outer", ""), ("one", "outer"), ("inner", "outer"), ("two", "inner"), ("last", ""),
    ]  # fmt: skip
    outer = graph.steps["outer"]
    assert isinstance(outer, BlockStep)
    assert outer.start == (way("outer.->one", "one"),)
    assert outer.outgoing == (way("outer->last", "last"),)
    assert graph.steps["one"].incoming == ("outer.->one",)


def test_a_body_starts_where_it_says_and_with_several_steps_at_once() -> None:
    graph = compiled(b={"do": {"x": {"pass": True}, "y": {"pass": True}}, "start": ["y", "x"]})
    block = graph.steps["b"]
    assert isinstance(block, BlockStep)
    assert [transition.target for transition in block.start] == ["y", "x"]


def test_a_block_keeps_what_is_said_about_it() -> None:
    step = only(
        do={"x": {"pass": True}}, variables={"n": 0}, one_at_a_time=True, timeout="5m", lock="desk",
        undo={"task": "undo-it", "queue": "q", "input": {"of": "{{ output }}"}},
    )  # fmt: skip
    assert isinstance(step, BlockStep)
    assert (step.variables, step.one_at_a_time, step.timeout, step.lock) == ({"n": 0}, True, 300.0, "desk")
    assert step.undo == Undo(task="undo-it", queue="q", input={"of": "{{ output }}"})
    assert (step.loop, step.condition, step.at_most) == (None, None, 10_000)


@pytest.mark.parametrize("loop", ["while", "until"])
def test_a_loop_is_a_block_with_a_condition(loop: str) -> None:
    step = only(**{loop: "1 < 2", "at_most": 7, "do": {"x": {"task": "t"}}})
    assert isinstance(step, BlockStep)
    assert (step.loop, step.condition, step.at_most) == (loop, "1 < 2", 7)


def test_a_for_each_keeps_what_is_said_about_it() -> None:
    step = only(
        **{"each": "{{ people }}", "as": "person", "at_once": "all", "do": {"x": {"task": "t"}}, "into": "names"},
        collect="{{ person }}", enough=2, rest="cancel",
    )  # fmt: skip
    assert isinstance(step, EachStep)
    assert (step.items, step.item, step.at_once) == ("{{ people }}", "person", ALL_AT_ONCE)
    assert (step.collect, step.into, step.enough, step.rest, step.waits) == ("{{ person }}", "names", 2, "cancel", True)
    assert step.start == (way("a.->x", "x"),)


def test_a_for_each_has_defaults_and_may_ask_a_condition_or_not_wait() -> None:
    step = only(each=3, do={"x": {"task": "t"}}, enough="done > total / 2")
    assert isinstance(step, EachStep)
    assert (step.items, step.item, step.at_once, step.enough, step.done_when) == (3, "item", 100, 0, "done > total / 2")
    free = only(**{"each": [1, 2], "do": {"x": {"task": "t"}}, "await": False})
    assert isinstance(free, EachStep)
    assert not free.waits


def test_a_wait_for_an_event_listens_to_it_and_goes_on_as_ever() -> None:
    step = compiled(
        a={
            "wait": {"message": "paid", "key": "{{ id }}"},
            "output": {"n": "{{ output }}"},
            "timeout": "1d",
            "next": "b",
        },
        b={"wait": {"signal": "go"}},
    ).steps
    event = Event(kind="message", name="paid", key="{{ id }}")
    assert step["a"] == ListenStep(
        id="a",
        options=(Option(event=event, set={"n": "{{ output }}"}),),
        timeout=86_400.0,
        incoming=("->a",),
        outgoing=(way("a->b", "b"),),
    )
    assert step["b"] == ListenStep(id="b", options=(Option(event=Event(kind="signal", name="go")),), incoming=("a->b",))


def test_a_wait_may_be_for_the_next_tick() -> None:
    assert only(wait={"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}) == WaitStep(
        id="a", cron="0 9 * * 1-5", timezone="Europe/Berlin", incoming=("->a",)
    )


def test_events_of_first_lead_their_own_way_or_that_of_the_step() -> None:
    graph = compiled(
        a={
            "first": [
                {"message": "m", "key": "k", "set": {"n": "{{ output }}"}, "next": "b"},
                {"signal": "s", "next": "end"},
                {"after": "1h"},
                {"until": "{{ day }}", "next": "b"},
            ],
            "next": "b",
        },
        b={"task": "t"},
    )
    step = graph.steps["a"]
    assert isinstance(step, ListenStep)
    assert [option.exit for option in step.options] == [way("a->b#2", "b"), way("a->"), None, way("a->b#3", "b")]
    assert step.options[2].event == Event(kind="timer", after=3600.0)
    assert graph.steps["b"].incoming == ("a->b", "a->b#2", "a->b#3")


def test_catches_are_ways_in_and_offers_are_not() -> None:
    graph = compiled(
        a={
            "task": "t",
            "catch": [
                {"error": ["A", "B"], "set": {"why": "{{ error.code }}"}, "next": "b"},
                {"error": "any", "class": "integration"},
                {"error": "C", "class": ["system", "business"]},
                {"error": "any"},
                {"after": "10m", "cancel": False, "next": "b"},
                {"escalation": "LATE", "next": "b"},
                {"message": "m", "key": "{{ id }}", "next": "end"},
            ],
            "offers": ["b"],
            "next": "b",
        },
        b={"task": "t"},
    )
    step = graph.steps["a"]
    assert step.catches == (
        Catch(kind="error", codes=("A", "B"), set={"why": "{{ error.code }}"}, exit=way("a->b#3", "b")),
        Catch(kind="error", classes=("integration",), exit=way("a->")),
        Catch(kind="error", codes=("C",), classes=("system", "business"), exit=way("a->#2")),
        Catch(kind="error", exit=way("a->#3")),
        Catch(kind="event", event=Event(kind="timer", after=600.0), cancel=False, exit=way("a->b#4", "b")),
        Catch(kind="escalation", codes=("LATE",), cancel=False, exit=way("a->b#5", "b")),
        Catch(kind="event", event=Event(kind="message", name="m", key="{{ id }}"), exit=way("a->#4")),
    )
    assert step.offers == (way("a->b#2", "b"),)
    assert graph.steps["b"].incoming == ("a->b", "a->b#3", "a->b#4", "a->b#5")


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("taken", ("taken", 0, "ignore")),
        ({"enough": 2}, ("enough", 2, "ignore")),
        ({"enough": 1, "rest": "cancel"}, ("enough", 1, "cancel")),
        ({"enough": 1, "rest": "hold"}, ("enough", 1, "hold")),
        ({"threads": 5}, ("threads", 5, "ignore")),
    ],
)
def test_joins(join: Any, expected: tuple[str, int, str]) -> None:
    graph = compiled(
        f={"parallel": ["a", "b"]}, a={"task": "t", "next": "j"}, b={"task": "t", "next": "j"},
        j={"pass": True, "join": join},
    )  # fmt: skip
    step = graph.steps["j"]
    assert (step.join, step.enough, step.rest) == expected


def test_steps_that_take_no_time() -> None:
    graph = compiled(
        a={"threads": 3, "next": "b"},
        b={"send": {"message": "m", "key": "k", "payload": {"n": 1}, "keep": "1d"}, "next": "c"},
        c={"send": {"signal": "s"}, "next": "d"},
        d={"escalate": {"code": "LATE", "message": "x"}, "next": "e"},
        e={"cancel": "a", "next": "f"},
        f={"compensate": ["a"], "order": "parallel", "next": "g"},
        g={"compensate": "all", "next": [{"when": "true", "next": "h"}, {"otherwise": "i"}]},
        h={"fail": "BAD"},
        i={"finish": True},
    )
    made = graph.steps
    routes = {name: step for name, step in made.items() if isinstance(step, RouteStep)}
    assert routes["a"].threads == 3
    assert routes["b"].send == Send(kind="message", name="m", key="k", payload={"n": 1}, keep=86_400.0)
    assert routes["c"].send == Send(kind="signal", name="s")
    assert routes["d"].escalate == Throw(code="LATE", message="x")
    assert routes["e"].cancels == ("a",)
    assert made["f"] == CompensateStep(
        id="f", steps=("a",), order="parallel", incoming=("e->f",), outgoing=(way("f->g", "g"),)
    )
    assert isinstance(made["g"], CompensateStep)
    assert made["g"].steps == ()
    assert routes["h"].fail == Throw(code="BAD")
    assert routes["i"].finish


def test_an_include_takes_all_branches_that_hold() -> None:
    graph = compiled(
        a={"include": [{"when": "1 < 2", "next": "b"}, {"otherwise": "b"}]}, b={"task": "t", "join": "taken"}
    )
    assert graph.steps["a"].split == "inclusive"
    assert [transition.otherwise for transition in graph.steps["a"].outgoing] == [False, True]


@pytest.mark.parametrize(
    "written", [{"workflow": "w", "version": "1.2.0"}, {"workflow": {"id": "w", "version": "1.2.0"}}]
)
def test_a_sub_workflow_has_its_version_beside_it_or_within(written: dict[str, Any]) -> None:
    step = only(**written, input={"n": 1}, output={"r": "{{ output }}"}, timeout="1h")
    assert step == WorkflowStep(
        id="a", workflow="w", version="1.2.0", input={"n": 1}, output={"r": "{{ output }}"}, timeout=3600.0,
        incoming=("->a",),
    )  # fmt: skip


def test_triggers_and_what_becomes_of_failures() -> None:
    graph = compiled(
        {
            "triggers": {
                "night": {
                    "cron": "0 3 * * *", "timezone": "Europe/Berlin", "catch_up": "all", "input": {"d": "{{ due }}"},
                },
                "often": {"every": "5m"},
                "asked": {"message": "wanted", "business_key": "{{ key }}"},
                "web": {"hook": "reports"},
            },
            "on_failure": "compensate", "on_cancel": "compensate", "undo_order": "parallel", "max_visits": 50,
        },
        a={"task": "t", "undo": {"task": "u"}},
    )  # fmt: skip
    assert graph.triggers == (
        Trigger(
            id="night", kind="schedule", cron="0 3 * * *", timezone="Europe/Berlin", catch_up="all",
            input={"d": "{{ due }}"},
        ),
        Trigger(id="often", kind="schedule", every=300.0),
        Trigger(id="asked", kind="message", name="wanted", business_key="{{ key }}"),
        Trigger(id="web", kind="hook", name="reports"),
    )  # fmt: skip
    assert (graph.on_failure, graph.on_cancel, graph.undo_order, graph.max_visits) == (
        "compensate", "compensate", "parallel", 50,
    )  # fmt: skip


def test_every_transition_of_a_definition_has_an_id_of_its_own() -> None:
    graph = compiled(
        a={
            "do": {
                "x": {"task": "t", "catch": [{"error": "any", "next": "x"}], "offers": ["x"], "next": "x2"},
                "x2": {"pass": True},
            },
            "catch": [{"after": 5, "next": "b"}, {"signal": "s", "next": "b"}],
            "next": [{"when": "true", "next": "b"}, {"otherwise": "end"}],
        },
        b={"first": [{"after": 1, "next": "c"}, {"after": 2, "next": "c"}], "next": "c"},
        c={"pass": True},
    )  # fmt: skip
    ids = [transition.id for transition in transitions(graph)]
    assert len(ids) == len(set(ids))


def test_the_digest_of_the_new_constructs_is_the_same_for_ever() -> None:
    """Executions pin such digests: if this fails, the compiler has changed what it makes of old sources."""
    graph = compiled(
        {"triggers": {"t": {"every": "1h"}}, "on_cancel": "compensate"},
        a={"each": 2, "do": {"x": {"task": "t", "undo": {"task": "u"}, "lock": "l"}}, "enough": 1, "next": "b"},
        b={"first": [{"after": "1h", "next": "c"}, {"signal": "s"}], "catch": [{"error": "any"}], "next": "c"},
        c={"workflow": "w", "join": {"enough": 1, "rest": "cancel"}},
    )
    assert digest_of(graph) == "64d8d3430b38f66134e44065320e05ded1e58a499e4db40eb349ad94eb9fe4d1"
