"""Facts about a directed graph in linear time, on nodes that are numbers: nothing here knows what a step is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Edges: TypeAlias = Sequence[Sequence[int]]


def reachable(edges: Edges, root: int) -> list[bool]:
    """Which nodes can be reached from ``root``."""
    seen = [False] * len(edges)
    seen[root] = True
    pending = [root]
    while pending:
        for target in edges[pending.pop()]:
            if not seen[target]:
                seen[target] = True
                pending.append(target)
    return seen


def cycles(edges: Edges) -> list[list[int]]:
    """The sets of nodes that lie on common cycles (Tarjan's components, those with a cycle), each in rising order."""
    count = len(edges)
    index, low, on_stack = [0] * count, [0] * count, [False] * count
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for root in range(count):
        if index[root]:
            continue
        work = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                clock += 1
                index[node] = low[node] = clock
                stack.append(node)
                on_stack[node] = True
            targets = edges[node]
            while place < len(targets):
                target = targets[place]
                place += 1
                if not index[target]:
                    work.append((node, place))
                    work.append((target, 0))
                    break
                if on_stack[target]:
                    low[node] = min(low[node], index[target])
            else:
                if low[node] == index[node]:
                    component = _pop_component(stack, on_stack, node)
                    if len(component) > 1 or node in targets:
                        found.append(sorted(component))
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
    return sorted(found)


def dominators(edges: Edges, root: int) -> list[int]:
    """
    The immediate dominator of each node: the last one that every way from ``root`` passes; -1 for unreachable nodes.

    After Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph", the simple variant.
    """
    order, parent = _preorder(edges, root)
    number = [-1] * len(edges)
    sources: list[list[int]] = [[] for _ in edges]
    for place, node in enumerate(order):
        number[node] = place
        for target in edges[node]:
            sources[target].append(node)
    semi = list(number)
    forest = _Forest(semi)
    buckets: list[list[int]] = [[] for _ in edges]
    above = [-1] * len(edges)
    for node in reversed(order[1:]):
        semi[node] = min(semi[forest.lowest(source)] for source in sources[node])
        buckets[order[semi[node]]].append(node)
        up = parent[node]
        forest.link(up, node)
        for waiting in buckets[up]:
            lowest = forest.lowest(waiting)
            above[waiting] = lowest if semi[lowest] < semi[waiting] else up
        buckets[up] = []
    for node in order[1:]:
        if above[node] != order[semi[node]]:
            above[node] = above[above[node]]
    above[root] = root
    return above


class Dominance:
    """Answers in constant time whether a node stands on every way from ``root`` to another."""

    def __init__(self, edges: Edges, root: int) -> None:
        self.above = dominators(edges, root)
        below: list[list[int]] = [[] for _ in edges]
        for node, parent in enumerate(self.above):
            if parent not in (-1, node):
                below[parent].append(node)
        self._first, self._last = [0] * len(edges), [-1] * len(edges)
        clock = 0
        work = [(root, False)]
        while work:
            node, done = work.pop()
            if done:
                self._last[node] = clock
                continue
            clock += 1
            self._first[node] = clock
            work.append((node, True))
            work.extend((child, False) for child in below[node])

    def dominates(self, node: int, other: int) -> bool:
        return self._first[node] <= self._first[other] <= self._last[node]


def _pop_component(stack: list[int], on_stack: list[bool], root: int) -> list[int]:
    component = []
    while True:
        node = stack.pop()
        on_stack[node] = False
        component.append(node)
        if node == root:
            return component


class _Forest:
    """Trees that grow by links and tell the node of lowest ``semi`` on the way up, with path compression."""

    def __init__(self, semi: list[int]) -> None:
        self._semi = semi
        self._up = [-1] * len(semi)
        self._label = list(range(len(semi)))

    def link(self, parent: int, node: int) -> None:
        self._up[node] = parent

    def lowest(self, node: int) -> int:
        if self._up[node] == -1:
            return node
        path = []
        while self._up[self._up[node]] != -1:
            path.append(node)
            node = self._up[node]
        for below in reversed(path):
            up = self._up[below]
            if self._semi[self._label[up]] < self._semi[self._label[below]]:
                self._label[below] = self._label[up]
            self._up[below] = self._up[up]
        return self._label[path[0] if path else node]


def _preorder(edges: Edges, root: int) -> tuple[list[int], list[int]]:
    parent = [-1] * len(edges)
    seen = [False] * len(edges)
    order: list[int] = []
    work = [(root, -1)]
    while work:
        node, source = work.pop()
        if seen[node]:
            continue
        seen[node] = True
        parent[node] = source
        order.append(node)
        work.extend((target, node) for target in reversed(edges[node]) if not seen[target])
    return order, parent
