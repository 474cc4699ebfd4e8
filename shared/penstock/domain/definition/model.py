"""
The compiled definition: a graph of typed steps joined by transitions. Only ``decide`` reads it.

Tokens move along transitions. A step with join ``any`` is entered once for each token that arrives; one with join
``all`` is entered when a token has arrived on every incoming transition. Leaving, split ``exclusive`` takes the first
transition whose condition holds (else the one marked ``otherwise``), ``parallel`` takes all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

Join: TypeAlias = Literal["any", "all"]
Split: TypeAlias = Literal["exclusive", "parallel"]
Transport: TypeAlias = Literal["log", "http"]
Period: TypeAlias = float | str
"""Seconds, or a template that gives a duration ("90s", "PT30M") when the step is entered."""


class Transition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``id`` is ``source->target`` (``->target`` from the start, ``#2`` for a twin). No target: the path ends."""

    id: str
    target: str
    when: str | None = None
    otherwise: bool = False


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts in all, then seconds: the first pause, its growth, its cap; ``jitter`` is a share of the pause."""

    attempts: int = 3
    backoff: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    jitter: float = 0.0
    never: tuple[str, ...] = ()


class _Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    name: str = ""
    join: Join = "any"
    split: Split = "exclusive"
    incoming: tuple[str, ...] = ()
    outgoing: tuple[Transition, ...] = ()


class TaskStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="task"):
    """Work for a worker. ``timeout`` counts from start to end, ``start_within`` from scheduling to a worker's claim."""

    task: str
    queue: str = "default"
    input: Any = None
    output: dict[str, Any] | None = None
    retry: Retry = Retry()
    timeout: Period | None = None
    heartbeat: float | None = None
    start_within: Period | None = None


class WaitStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="wait"):
    """A timer: for a while, or until a moment (a template that gives an ISO 8601 date-time)."""

    duration: Period | None = None
    until: str | None = None


class RouteStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="route"):
    """Passed at once: a choice, a fork, a join, or a place where variables are set."""

    set: dict[str, Any] | None = None


Step: TypeAlias = TaskStep | WaitStep | RouteStep


class Graph(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A whole definition. ``variables`` are the defaults, ``input_schema`` a JSON Schema of the input, ``output`` a
    template of the result, ``timeout`` seconds for the whole execution, ``queues`` the transport of each queue named.
    """

    id: str
    version: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    start: tuple[Transition, ...]
    steps: dict[str, Step]
    variables: dict[str, Any] = {}
    input_schema: dict[str, Any] | None = None
    output: Any = None
    timeout: float | None = None
    queues: dict[str, Transport] = {}


@dataclass(frozen=True, slots=True)
class Definition:
    """A published version with the digest of its compiled graph (``sha256`` in hex), which executions pin."""

    graph: Graph
    digest: str
    targets: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        outgoing = (t for step in self.graph.steps.values() for t in step.outgoing)
        targets = {t.id: t.target for t in (*self.graph.start, *outgoing)}
        object.__setattr__(self, "targets", targets)

    @property
    def id(self) -> str:
        return self.graph.id

    @property
    def version(self) -> str:
        return self.graph.version
