"""
A definition as a picture: nodes and arrows, with what an execution did to them where it is known.

``mermaid`` writes it as a flowchart. Step ids, names and conditions are foreign text: ids never become Mermaid's, and
of other characters than plain ones only their numbers are written.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, assert_never

from penstock.domain.definition.model import (
    BlockStep,
    CompensateStep,
    EachStep,
    Graph,
    ListenStep,
    RouteStep,
    Step,
    TaskStep,
    Transition,
    WaitStep,
    WorkflowStep,
    ways_out,
)
from penstock.domain.definition.words import besides, goes_on, note_of

Shape: TypeAlias = Literal["start", "task", "wait", "choice", "fork", "join", "pass", "end", "body", "workflow"]
StepState: TypeAlias = Literal["done", "open", "waiting", "failed", "cancelled"]
State: TypeAlias = Literal["done", "open", "waiting", "failed", "cancelled", "not_reached"]

LONGEST: Final = 60
"""Characters of a name or condition that a picture shows."""

CLASSES: Final[Mapping[State, str]] = {
    "done": "fill:#1a7f37,stroke:#2da44e,color:#ffffff",
    "open": "fill:#0969da,stroke:#54aeff,color:#ffffff",
    "waiting": "fill:#f2cc60,stroke:#9a6700,color:#1f2328",
    "failed": "fill:#cf222e,stroke:#ff8182,color:#ffffff,stroke-width:3px",
    "cancelled": "fill:#8250df,stroke:#c297ff,color:#ffffff",
    "not_reached": "fill:#eaeef2,stroke:#8c959f,color:#424a53,stroke-dasharray:4 3",
}
"""Each with its own ground and its own letters, so that they do not depend on a light or a dark page."""

_SHAPES: Final[Mapping[Shape, tuple[str, str]]] = {
    "start": ("((", "))"),
    "task": ("[", "]"),
    "wait": ("([", "])"),
    "choice": ("{", "}"),
    "fork": ("[/", "\\]"),
    "join": ("[\\", "/]"),
    "pass": ("(", ")"),
    "end": ("(((", ")))"),
    "body": ("{{", "}}"),
    "workflow": ("[[", "]]"),
}
_TAKEN: Final = "stroke:#2da44e,stroke-width:3px"
_NOT_TAKEN: Final = "stroke:#8c959f,stroke-dasharray:4 3"
_NOT_PLAIN: Final = re.compile(r"[^\w ,.()/=+!?'×…-]", re.ASCII)
_LIST: Final = re.compile(r"\A([-+]|\d+[.)])(?= |$)")
_START: Final = "start"
_END: Final = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMark:
    """What became of a step: of its visits that are not over, else of the last one. ``finished`` are those done."""

    state: StepState
    visits: int
    finished: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """
    What an execution did. ``taken`` counts by transition; ``lying`` are tokens that wait to enter a step. Tokens that
    ended their path leave no trace but ``ended``: by step, and the condition that held ("" where none had to).
    """

    status: str = ""
    steps: Mapping[str, StepMark] = field(default_factory=dict)
    taken: Mapping[str, int] = field(default_factory=dict)
    lying: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """
    ``node`` is its name in the picture, ``step`` the id of the step (empty for start and ends), ``within`` the node of
    the composite step whose body it is in. ``note`` says what a label does not.
    """

    node: str
    step: str
    shape: Shape
    label: str
    state: State | None = None
    visits: int | None = None
    within: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """
    An arrow. ``id`` is that of the transition; a step without any has an arrow ``step->`` to the end.

    ``beside``: not the ordinary way out, but what is caught or offered; ``event`` says what has to happen for it.
    """

    id: str
    source: str
    target: str
    when: str | None = None
    otherwise: bool = False
    taken: int | None = None
    event: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    definition: str
    version: str
    status: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def mermaid(graph: Graph, marks: Marks | None = None) -> str:
    """The flowchart, ending in a newline; the same graph and marks give the same text, however its keys are ordered."""
    picture = picture_of(graph, marks)
    return "\n".join(_lines(picture)) + "\n"


def picture_of(graph: Graph, marks: Marks | None = None) -> Picture:
    """Nodes in the order in which they can be reached, the arrows by their source in the same order."""
    steps = _in_order(graph)
    names = {step.id: f"s{number}" for number, step in enumerate(steps, 1)}
    edges = (*_edges(_START, "", graph.start, names, _END, marks=marks), *_leaving(steps, names, marks))
    nodes = [_node(names[step.id], step, names.get(step.within, ""), marks) for step in steps]
    begin = Node(node=_START, step="", shape="start", label="start", state="done" if marks else None)
    return Picture(
        definition=graph.id,
        version=graph.version,
        status=marks.status if marks else None,
        nodes=(begin, *nodes, *_ends(edges, names, marks)),
        edges=edges,
    )


def _in_order(graph: Graph) -> list[Step]:
    """From the start on, each step before what is further away; at last those that nothing leads to, by their ids."""
    found: dict[str, Step] = {}
    pending = deque(t.target for t in graph.start)
    while pending:
        target = pending.popleft()
        if target in graph.steps and target not in found:
            step = found[target] = graph.steps[target]
            if isinstance(step, BlockStep | EachStep):
                pending.extendleft(t.target for t in reversed(step.start))
            pending.extend(t.target for t in ways_out(step))
    return [*found.values(), *(graph.steps[name] for name in sorted(graph.steps.keys() - found.keys()))]


def _ends(edges: tuple[Edge, ...], names: Mapping[str, str], marks: Marks | None) -> Iterator[Node]:
    """The ends that something leads to: one of each body, at last that of the whole."""
    used = {edge.target for edge in edges}
    for within in (*names.values(), ""):
        name = _end_of(within)
        if name in used:
            reached: State = "done" if any(edge.taken for edge in edges if edge.target == name) else "not_reached"
            state = reached if marks else None
            yield Node(node=name, step="", shape="end", label="end", state=state, within=within)


def _end_of(within: str) -> str:
    return f"{within}x" if within else _END


def _leaving(steps: list[Step], names: Mapping[str, str], marks: Marks | None) -> Iterator[Edge]:
    for step in steps:
        source, end = names[step.id], _end_of(names.get(step.within, ""))
        if isinstance(step, BlockStep | EachStep):
            yield from _edges(source, f"{step.id}.", step.start, names, _end_of(source), marks=marks)
        outgoing = step.outgoing
        if not outgoing and goes_on(step):
            outgoing = (Transition(id=f"{step.id}->", target=""),)
        yield from _edges(source, step.id, outgoing, names, end, marks=marks)
        for event, transition in besides(step):
            taken = None if marks is None else marks.taken.get(transition.id, 0)
            target = names[transition.target] if transition.target else end
            beside = not isinstance(step, ListenStep) or transition in step.offers
            yield Edge(id=transition.id, source=source, target=target, taken=taken, event=event, beside=beside)


def _edges(
    source: str,
    step: str,
    outgoing: tuple[Transition, ...],
    names: Mapping[str, str],
    end: str,
    *,
    marks: Marks | None,
) -> Iterator[Edge]:
    seen: set[str] = set()
    for transition in outgoing:
        taken: int | None = None
        if marks is not None:
            taken = marks.taken.get(transition.id, 0)
            if not transition.target:
                held = transition.when or ""
                # Of two arrows with one condition the first is the one taken.
                taken = marks.ended.get((step, held), 0) if held not in seen else 0
                seen.add(held)
        yield Edge(
            id=transition.id,
            source=source,
            target=names[transition.target] if transition.target else end,
            when=transition.when,
            otherwise=transition.otherwise,
            taken=taken,
        )


def _node(name: str, step: Step, within: str, marks: Marks | None) -> Node:
    label, note = _label(step), note_of(step)
    if marks is None:
        return Node(node=name, step=step.id, shape=_shape(step), label=label, within=within, note=note)
    mark = marks.steps.get(step.id)
    state: State = mark.state if mark else "not_reached"
    if state in ("done", "cancelled", "not_reached") and any(marks.lying.get(one) for one in step.incoming):
        state = "waiting"
    return Node(
        node=name,
        step=step.id,
        shape=_shape(step),
        label=label,
        state=state,
        visits=mark.visits if mark else 0,
        within=within,
        note=note,
    )


def _shape(step: Step) -> Shape:
    match step:
        case TaskStep():
            return "task"
        case WaitStep() | ListenStep():
            return "wait"
        case BlockStep() | EachStep():
            return "body"
        case WorkflowStep():
            return "workflow"
        case CompensateStep():
            return "pass"
        case RouteStep(finish=True):
            return "end"
        case RouteStep(split="parallel" | "inclusive"):
            return "fork"
        case RouteStep() if any(t.when is not None or t.otherwise for t in step.outgoing):
            return "choice"
        case RouteStep() if step.join != "any":
            return "join"
        case RouteStep():
            return "pass"
        case _:
            assert_never(step)


def _label(step: Step) -> str:
    """Its name for people, else its id."""
    return step.name or step.id


def _lines(picture: Picture) -> Iterator[str]:
    status = f" is {_text(picture.status)}" if picture.status else ""
    yield from ("---", f'title: "{picture.definition} {picture.version}{status}"', "---", "flowchart TD")
    yield from _boxes(picture, "", "    ")
    for edge in picture.edges:
        said = _condition(edge)
        line = "-.->" if edge.beside else "-->"
        arrow = f'{line}|"{said}"|' if said else line
        yield f"    {_name(edge.source)} {arrow} {_name(edge.target)}"
    if picture.status is not None:
        yield from _colours(picture)


def _boxes(picture: Picture, within: str, margin: str) -> Iterator[str]:
    """The nodes of a body; one that has a body itself stands with it in a box."""
    boxes: dict[str, list[Node]] = {}
    for node in picture.nodes:
        boxes.setdefault(node.within, []).append(node)
    pending = [(node, margin, "") for node in reversed(boxes.get(within, []))]
    while pending:
        node, indent, line = pending.pop()
        if line:
            yield line
        elif node.shape != "body":
            yield _drawn(node, indent)
        else:
            deeper = f"{indent}    "
            yield f'{indent}subgraph {node.node}box[" "]'
            yield _drawn(node, deeper)
            pending.append((node, indent, f"{indent}end"))
            pending.extend((inner, deeper, "") for inner in reversed(boxes.get(node.node, [])))


def _drawn(node: Node, margin: str) -> str:
    before, after = _SHAPES[node.shape]
    # Nodes of Mermaid are not called start and end: `end` is a word of its own.
    return f'{margin}{_name(node.node)}{before}"{_said(node)}"{after}{f":::{node.state}" if node.state else ""}'


def _name(node: str) -> str:
    return {_START: "begin", _END: "finish"}.get(node, node)


def _said(node: Node) -> str:
    """The label, and below it the state in words: colours alone do not tell everybody."""
    label = f"{_text(node.label)}<br/>{_text(node.note)}" if node.note else _text(node.label)
    if node.state is None or not node.step:
        return label
    state = node.state.replace("_", " ")
    often = f" ×{node.visits}" if node.visits and node.visits > 1 else ""
    return f"{label}<br/>{state}{often}"


def _condition(edge: Edge) -> str:
    said = "otherwise" if edge.otherwise else _text(edge.when or edge.event)
    often = f"×{edge.taken}" if edge.taken and edge.taken > 1 else ""
    return f"{said} {often}".strip()


def _colours(picture: Picture) -> Iterator[str]:
    yield from (f"    classDef {state} {style}" for state, style in CLASSES.items())
    for style, wanted in ((_TAKEN, True), (_NOT_TAKEN, False)):
        numbers = [str(number) for number, edge in enumerate(picture.edges) if bool(edge.taken) is wanted]
        if numbers:
            yield f"    linkStyle {','.join(numbers)} {style}"


def _text(text: str) -> str:
    """One short line in which nothing means anything to Mermaid, Markdown or HTML."""
    line = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    if len(line) > LONGEST:
        line = line[: LONGEST - 1] + "…"
    quoted = _NOT_PLAIN.sub(_number, line)
    return _LIST.sub(lambda found: f"{found[1][:-1]}#{ord(found[1][-1])};", quoted)


def _number(found: re.Match[str]) -> str:
    """Letters of other alphabets stay as they are; of all else the number is written."""
    character = found[0]
    return character if character.isalnum() else f"#{ord(character)};"
