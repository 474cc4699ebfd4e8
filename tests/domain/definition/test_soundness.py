"""What is reported as impossible never happens when tokens are moved about at random."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.definition.validate import validate

IMPOSSIBLE = {"JOIN_NEVER_FIRES", "UNREACHABLE"}
JOINS: tuple[Any, ...] = ("any", "any", "all", {"enough": 1}, {"enough": 2, "rest": "hold"}, {"enough": 3})
NAMES = ("a", "b", "c", "d", "e", "f")
MOVES = 60


@st.composite
def tangles(draw: st.DrawFn) -> dict[str, Any]:
    """Any graph of a few steps, sound or not."""
    known = NAMES[: draw(st.integers(2, len(NAMES)))]
    steps: dict[str, Any] = {}
    for name in known:
        steps[name] = {"task": "t", "join": draw(st.sampled_from(JOINS))}
        targets = draw(st.lists(st.sampled_from(known), max_size=3))
        if targets and draw(st.integers(0, 2)) == 0:
            steps[name]["next"] = targets
        elif targets:
            branches = [{"when": "x", "next": target} for target in targets]
            steps[name]["next"] = [*branches, {"otherwise": draw(st.sampled_from(["end", *known]))}]
    start = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2))
    return {"id": "x", "version": "1.0.0", "start": start, "steps": steps}


def entered(source: dict[str, Any], seed: int) -> set[str]:
    """The steps that are entered when everything that can happen happens in some order."""
    random = Random(seed)
    ways = {("", place): target for place, target in enumerate(source["start"])}
    for name, step in source["steps"].items():
        ways |= {(name, place): _target(way) for place, way in enumerate(step.get("next", ()))}
    incoming = {name: [way for way, target in ways.items() if target == name] for name in source["steps"]}
    tokens = Counter(way for way in ways if way[0] == "")
    seen = set()
    for _ in range(MOVES):
        ready = [
            (name, taken)
            for name, step in source["steps"].items()
            for taken in combinations(incoming[name], _needed(step["join"], len(incoming[name])))
            if taken and all(tokens[way] > 0 for way in taken)
        ]
        if not ready:
            break
        name, taken = random.choice(ready)
        seen.add(name)
        tokens.subtract(taken)
        leaving = [way for way in ways if way[0] == name]
        forks = isinstance(next(iter(source["steps"][name].get("next", ())), None), str)
        tokens.update(leaving if forks else random.sample(leaving, min(1, len(leaving))))
    return seen


def _needed(join: Any, ways: int) -> int:
    """On how many ways in something has to arrive."""
    if join == "all":
        return ways
    return 1 if join == "any" else int(join["enough"])


def _target(way: Any) -> str:
    return str(way if isinstance(way, str) else way.get("next") or way["otherwise"])


@settings(max_examples=500)
@given(tangles(), st.integers(0, 10**6))
def test_what_is_said_never_to_happen_does_not(source: dict[str, Any], seed: int) -> None:
    denied = {finding.path.split(".")[1] for finding in validate(source) if finding.code in IMPOSSIBLE}
    for attempt in range(6 if denied else 0):
        assert not denied & entered(source, seed + attempt)


@given(tangles())
def test_without_forks_no_join_of_two_is_overlooked(source: dict[str, Any]) -> None:
    """With one token on its way nothing can wait for another: such a join is reported, or never entered anyway."""
    source = {**source, "start": source["start"][:1]}
    for step in source["steps"].values():
        if isinstance(step.get("next", [None])[0], str):
            step["next"] = step["next"][0]
    findings = validate(source)
    said = {finding.path.split(".")[1] for finding in findings if finding.code in {*IMPOSSIBLE, "JOIN_OF_ONE"}}
    joins = {name for name, step in source["steps"].items() if step["join"] == "all"}
    assert joins <= said
