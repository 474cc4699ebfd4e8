"""What is reported as impossible never happens when tokens are moved about at random."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.examine import examine
from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.definition.model import Graph

IMPOSSIBLE = {"JOIN_NEVER_FIRES", "UNREACHABLE"}
MOVES = 60

names = st.sampled_from(["a", "b", "c", "d", "e", "f"])


@st.composite
def tangles(draw: st.DrawFn) -> dict[str, Any]:
    """Any graph of six steps at most, sound or not."""
    steps: dict[str, Any] = {}
    for name in draw(st.lists(names, min_size=2, unique=True)):
        step: dict[str, Any] = {"task": "t", "join": draw(st.sampled_from(["any", "any", "all"]))}
        targets = draw(st.lists(names, max_size=3))
        if targets and draw(st.booleans()):
            step["next"] = targets
        elif targets:
            last = draw(st.sampled_from(["end", targets[-1]]))
            step["next"] = [*({"when": "x", "next": target} for target in targets[:-1]), {"otherwise": last}]
        steps[name] = step
    known = set(steps)
    for step in steps.values():
        _keep(step, known)
    return {"id": "x", "version": "1.0.0", "start": draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=2)), "steps": steps}


def _keep(step: dict[str, Any], known: set[str]) -> None:
    """Leave out what leads nowhere."""
    kept = [
        way
        for way in step.pop("next", [])
        if (way if isinstance(way, str) else way.get("next", way.get("otherwise"))) in {*known, "end"}
    ]
    if kept:
        step["next"] = kept


def entered(graph: Graph, seed: int) -> Counter[str]:
    """How often each step is entered when everything that can happen happens in some order."""
    random = Random(seed)
    tokens = Counter(t.id for t in graph.start)
    count: Counter[str] = Counter()
    for _ in range(MOVES):
        ready = [
            (name, taken)
            for name, step in graph.steps.items()
            for taken in ([step.incoming] if step.join == "all" else [(t,) for t in step.incoming])
            if taken and all(tokens[t] for t in taken)
        ]
        if not ready:
            break
        name, taken = random.choice(ready)
        tokens.subtract(taken)
        count[name] += 1
        step = graph.steps[name]
        leaving = step.outgoing if step.split == "parallel" else random.sample(step.outgoing, min(1, len(step.outgoing)))
        tokens.update(t.id for t in leaving if t.target)
    return count


@settings(max_examples=400)
@given(tangles(), st.integers(0, 10**6))
def test_what_is_said_never_to_happen_does_not(source: dict[str, Any], seed: int) -> None:
    findings = examine(source).findings
    denied = {finding.path.split(".")[1] for finding in findings if finding.code in IMPOSSIBLE}
    graph = _graph_in_spite_of(source)
    for attempt in range(5):
        assert not denied & entered(graph, seed + attempt).keys()


@settings(max_examples=400)
@given(tangles(), st.integers(0, 10**6))
def test_where_no_parallel_paths_merge_a_step_outside_of_loops_is_entered_once(source: dict[str, Any], seed: int) -> None:
    """The advice to join all is given wherever two tokens come to one step by a fork right above it."""
    findings = examine(source).findings
    if any(finding.code in IMPOSSIBLE | {"PARALLEL_MERGE", "CYCLE_WITHOUT_EXIT"} for finding in findings):
        return
    graph = _graph_in_spite_of(source)
    if any(step.split == "parallel" for step in graph.steps.values()) or len(graph.start) > 1 or _loops(graph):
        return
    assert all(times == 1 for times in entered(graph, seed).values())


def _loops(graph: Graph) -> bool:
    after = {name: {t.target for t in step.outgoing if t.target} for name, step in graph.steps.items()}
    for _ in after:
        after = {name: set().union(targets, *(after[t] for t in targets)) for name, targets in after.items()}
    return any(name in targets for name, targets in after.items())


def _graph_in_spite_of(source: dict[str, Any]) -> Graph:
    """The graph, also of a source that is refused for its flow: then with a way out of it and into every part."""
    try:
        return compile_definition(source)
    except DefinitionInvalid:
        return assembled(source)
