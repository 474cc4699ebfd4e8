from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.model import Graph, RouteStep, TaskStep, Transition, transitions
from penstock.domain.definition.picture import CLASSES, LONGEST, Marks, StepMark, mermaid, picture_of
from tests.domain.definition.flowchart import Flowchart, read
from tests.domain.definition.strategies import definitions
from tests.domain.execution.story import define


def drawn(steps: str, marks: Marks | None = None) -> Flowchart:
    return read(mermaid(define(steps).graph, marks))


def conditional(when: str, name: str = "") -> Graph:
    """A choice whose only condition is ``when``; nobody has to be able to evaluate it."""
    taken = Transition(id="first->end", target="", when=when)
    step = RouteStep(id="first", name=name, outgoing=(taken,))
    return Graph(id="g", version="1.0.0", start=(Transition(id="->first", target="first"),), steps={"first": step})


def test_the_shape_tells_the_kind_of_a_step() -> None:
    chart = drawn("""
    steps:
      fork: {parallel: [work, rest]}
      work: {task: work, next: both}
      rest: {wait: 5m, next: both}
      both: {pass: true, join: all, next: which}
      which:
        choose:
          - {when: 1 > 2, next: note}
          - otherwise: end
      note: {set: {noted: true}}
    """)
    shapes = {chart.labels[node]: shape for node, shape in chart.shapes.items()}
    assert shapes == {
        "start": "((|))",
        "fork": "[/|\\]",
        "work": "[|]",
        "rest": "([|])",
        "both": "[\\|/]",
        "which": "{|}",
        "note": "(|)",
        "end": "(((|)))",
    }


def test_arrows_carry_their_conditions() -> None:
    chart = drawn("""
    variables: {amount: 1}
    steps:
      which:
        choose:
          - {when: amount > 10 and 'x' != "y", next: large}
          - otherwise: end
      large: {task: large}
    """)
    named = [(chart.labels[source], chart.labels[target], said) for source, target, said in chart.edges]
    assert named == [
        ("start", "which", ""),
        ("which", "large", "amount > 10 and 'x' != \"y\""),
        ("which", "end", "otherwise"),
        ("large", "end", ""),
    ]


@pytest.mark.parametrize("word", ["end", "subgraph", "click", "style", "o-x", "a-b", "default", "graph", "x_y"])
def test_a_step_may_be_called_as_it_likes(word: str) -> None:
    step = TaskStep(id=word, task="t")
    chart = read(mermaid(Graph(id="g", version="1.0.0", start=(Transition(id="->", target=word),), steps={word: step})))
    assert chart.labels["s1"] == word
    assert [(source, target) for source, target, _ in chart.edges] == [("begin", "s1"), ("s1", "finish")]


def test_steps_whose_ids_differ_in_a_hyphen_are_two() -> None:
    chart = drawn("steps: {a-b: {task: t, next: a_b}, a_b: {task: t}}")
    assert chart.step("a-b") != chart.step("a_b")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('a "b" c', 'a "b" c'),
        ("[x] {y} |z|", "[x] {y} |z|"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("one\n  two\r\n\tthree", "one two three"),
        ("#34; &lt; ;", "#34; &lt; ;"),
        ("%%{init: {}}%%", "%%{init: {}}%%"),
        ("`**bold**`", "`**bold**`"),
        ("\x1b[31m", "\ufffd[31m"),
        ("Größe > 3 und 大", "Größe > 3 und 大"),
        ("style x:#y;", "style x:#y;"),
        ("1. first", "1. first"),
        ("- first", "- first"),
        ("\\n", "\\n"),
    ],
)
def test_foreign_text_is_shown_and_means_nothing(text: str, seen: str) -> None:
    chart = read(mermaid(conditional(text, name=text)))
    assert chart.labels["s1"] == seen
    assert chart.edges[1][2] == seen


def test_what_markdown_takes_for_a_list_does_not_begin_like_one() -> None:
    assert '["1#46; first"]' in mermaid(
        replace(conditional("x"), steps={"first": TaskStep(id="first", name="1. first", task="t")})
    )


def test_a_very_long_text_is_shortened() -> None:
    (_, _, said) = read(mermaid(conditional("x" * 5_000))).edges[1]
    assert said == "x" * (LONGEST - 1) + "…"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_the_picture(name: str, when: str) -> None:
    chart = read(mermaid(conditional(when, name)))
    assert list(chart.labels) == ["begin", "s1", "finish"]
    assert [(source, target) for source, target, _ in chart.edges] == [("begin", "s1"), ("s1", "finish")]


def test_the_order_of_the_keys_does_not_change_the_picture() -> None:
    graph = define("steps: {a: {parallel: [b, c]}, b: {task: b, next: d}, c: {task: c}, d: {task: d}}").graph
    turned = replace(graph, steps=dict(reversed(graph.steps.items())))
    turned = replace(turned, start=graph.start)
    assert mermaid(turned) == mermaid(graph)


def test_without_marks_nothing_is_coloured() -> None:
    text = mermaid(define("steps: {a: {task: a}}").graph)
    assert "classDef" not in text
    assert "linkStyle" not in text
    assert ":::" not in text


def test_marks_colour_steps_and_arrows_and_say_it_in_words() -> None:
    marks = Marks(
        status="failed",
        steps={"a": StepMark(state="done", visits=3, finished=3), "b": StepMark(state="failed", visits=1, finished=0)},
        taken={"->a": 1, "a->b": 1, "a->a": 2},
    )
    chart = drawn(
        """
        steps:
          a:
            task: a
            next: [{when: 1 > 2, next: a}, {otherwise: b}]
          b: {task: b, next: c}
          c: {task: c}
        """,
        marks,
    )
    assert chart.title == "story 1.0.0 is failed"
    said = {label: chart.classes[node] for node, label in chart.labels.items()}
    assert said == {
        "start": "done",
        "a\ndone ×3": "done",
        "b\nfailed": "failed",
        "c\nnot reached": "not_reached",
        "end": "not_reached",
    }
    assert [edge[2] for edge in chart.edges] == ["", "1 > 2 ×2", "otherwise", "", ""]
    assert ["3px" in chart.links[number] for number in range(5)] == [True, True, True, False, False]


def test_a_step_for_which_a_token_lies_ready_is_waiting() -> None:
    graph = define(
        "steps: {f: {parallel: [a, b]}, a: {task: a, next: j}, b: {task: b, next: j}, j: {pass: true, join: all}}"
    ).graph
    nodes = {node.step: node.state for node in picture_of(graph, Marks(lying={"a->j": 1})).nodes}
    assert nodes["j"] == "waiting"
    assert nodes["f"] == "not_reached"


@pytest.mark.parametrize("state", CLASSES)
def test_every_colour_can_be_read_on_its_own_ground(state: str) -> None:
    style = drawn("steps: {a: {task: a}}", Marks(status="running")).styles[state]
    light, dark = sorted((luminance(style["fill"]), luminance(style["color"])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_body_is_a_box_around_its_steps_with_an_end_of_its_own() -> None:
    chart = drawn("""
    variables: {n: 0}
    steps:
      outer:
        while: n < 3
        do:
          work: {task: work, next: inner}
          inner: {do: {deep: {set: {n: 5}}}}
        next: after
      after: {task: after}
    """)
    place = {label.split("\n")[0]: chart.boxes.get(node) for node, label in chart.labels.items() if label != "end"}
    outer, inner = chart.boxes[chart.step("work")], chart.boxes[chart.step("deep")]
    assert place == {"start": None, "outer": outer, "work": outer, "inner": inner, "deep": inner, "after": None}
    assert chart.labels[chart.step("outer")] == "outer\nwhile n < 3"
    first = {node: label.split("\n")[0] for node, label in chart.labels.items()}
    assert sorted((first[source], first[target]) for source, target, _ in chart.edges) == [
        ("after", "end"), ("deep", "end"), ("inner", "deep"), ("inner", "end"), ("outer", "after"), ("outer", "work"),
        ("start", "outer"), ("work", "inner"),
    ]  # fmt: skip
    ends = {chart.boxes.get(node) for node, label in chart.labels.items() if label == "end"}
    assert ends == {None, outer, inner}


def test_what_is_caught_and_offered_is_dotted_and_says_when_it_happens() -> None:
    chart = drawn("""
    steps:
      a:
        task: a
        catch:
          - {error: [BAD, WORSE], next: b}
          - {error: any, class: [system, integration], next: c}
          - {after: 10m, cancel: false, next: b}
          - {signal: stop}
        offers: [c]
        next: b
      b: {first: [{message: paid, key: k, next: c}, {after: 1h, next: end}]}
      c: {task: c}
    """)
    said = [(chart.labels[source], said) for source, target, said in chart.edges if (source, target) in chart.dotted]
    assert ("a", "error BAD, WORSE") in said
    assert ("a", "error of class system or integration") in said
    assert ("a", "after 600 s") in said
    assert ("a", "signal stop") in said
    assert ("a", "offers") in said
    assert [text for source, _, text in chart.edges if source == chart.step("b")] == ["message paid", "after 3600 s"]


@pytest.mark.parametrize(
    ("step", "shape", "note"),
    [
        ("{send: {message: paid, key: k}}", "(|)", "send message paid"),
        ("{fail: BAD}", "(|)", "fail BAD"),
        ("{escalate: LATE}", "(|)", "escalate LATE"),
        ("{finish: true}", "(((|)))", "finish"),
        ("{compensate: all}", "(|)", "undo all"),
        ("{threads: 3}", "(|)", "×3"),
        ("{wait: {message: paid, key: k}}", "([|])", "message paid"),
        ("{workflow: other, version: 1.0.0, await: false}", "[[|]]", "other 1.0.0, not awaited"),
        ("{each: [1, 2], at_once: 1, do: {x: {task: t}}}", "{{|}}", "each of 2, 1 at once"),
        ("{do: {x: {task: t}}, one_at_a_time: true, lock: desk}", "{{|}}", "one at a time, lock desk"),
        ("{task: t, lock: desk}", "[|]", "lock desk"),
    ],
)
def test_a_note_says_what_a_shape_does_not(step: str, shape: str, note: str) -> None:
    chart = drawn(f"steps: {{a: {step}}}")
    node = chart.step("a")
    assert (chart.shapes[node], chart.labels[node]) == (shape, f"a\n{note}")


@settings(max_examples=100, deadline=None)
@given(definitions())
def test_any_definition_can_be_drawn_with_every_step_once(source: dict[str, Any]) -> None:
    graph = compile_definition(source)
    picture = picture_of(graph)
    assert sorted(node.step for node in picture.nodes if node.step) == sorted(graph.steps)
    assert len({node.node for node in picture.nodes}) == len(picture.nodes)
    assert {edge.id for edge in picture.edges} >= {transition.id for transition in transitions(graph)}
    chart = read(mermaid(graph, Marks(status="running")))
    assert len(chart.labels) == len(picture.nodes)
    inside = {node.node: node.within for node in picture.nodes if node.within}
    assert all(chart.boxes[node] in (f"{within}box", f"{node}box") for node, within in inside.items())
