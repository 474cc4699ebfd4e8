"""The facts about graphs, held against their definitions on random graphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.definition.flow import Dominance, cycles, dominators, reachable

graphs = st.integers(1, 9).flatmap(
    lambda count: st.lists(st.lists(st.integers(0, count - 1), max_size=4), min_size=count, max_size=count)
)


def without(edges: list[list[int]], removed: int) -> list[list[int]]:
    return [[t for t in targets if t != removed] if node != removed else [] for node, targets in enumerate(edges)]


@given(graphs)
def test_a_node_dominates_what_cannot_be_reached_without_it(edges: list[list[int]]) -> None:
    seen = reachable(edges, 0)
    dominance = Dominance(edges, 0)
    for node in range(len(edges)):
        rest = reachable(without(edges, node), 0) if node else [False] * len(edges)
        for other in range(len(edges)):
            if seen[node] and seen[other]:
                assert dominance.dominates(node, other) == (node == other or not rest[other])


@given(graphs)
def test_the_immediate_dominator_is_the_last_one(edges: list[list[int]]) -> None:
    above = dominators(edges, 0)
    dominance = Dominance(edges, 0)
    for node, seen in enumerate(reachable(edges, 0)):
        if not seen:
            assert above[node] == -1
        elif node:
            strict = [n for n in range(len(edges)) if above[n] != -1 and n != node and dominance.dominates(n, node)]
            assert all(dominance.dominates(other, above[node]) for other in strict)


@given(graphs)
def test_two_nodes_are_on_a_cycle_when_each_reaches_the_other(edges: list[list[int]]) -> None:
    count = len(edges)
    after = [
        [any(reachable(edges, target)[other] for target in edges[node]) for other in range(count)]
        for node in range(count)
    ]
    expected = {tuple(o for o in range(count) if after[n][o] and after[o][n]) for n in range(count) if after[n][n]}
    assert {tuple(component) for component in cycles(edges)} == expected


def test_long_chains_need_no_deep_recursion() -> None:
    edges = [[node + 1] for node in range(50_000)] + [[0]]
    assert len(cycles(edges)[0]) == 50_001
    assert dominators(edges, 0)[-1] == 49_999
