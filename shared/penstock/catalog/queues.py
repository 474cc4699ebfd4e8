"""Which queues a definition needs."""

from __future__ import annotations

from penstock.domain.definition.model import Graph, TaskStep


def queues_of(graph: Graph) -> tuple[str, ...]:
    """The queues that ``graph`` uses or declares, sorted."""
    used = {step.queue for step in graph.steps.values() if isinstance(step, TaskStep)}
    return tuple(sorted(used | graph.queues.keys()))
