"""Which queues a definition needs."""

from __future__ import annotations

from penstock.domain.definition.model import Graph, TaskStep


def queues_of(graph: Graph) -> tuple[str, ...]:
    """The queues that ``graph`` uses or declares, sorted."""
    steps = graph.steps.values()
    used = {step.queue for step in steps if isinstance(step, TaskStep)}
    undoing = {undo.queue for step in steps if (undo := getattr(step, "undo", None)) is not None}
    return tuple(sorted(used | undoing | graph.queues.keys()))
