"""
The compiled definition: a graph of typed steps joined by transitions. Only ``decide`` reads it.

Tokens move along transitions. How a step waits for them is its join, where they go its split; ``docs/semantics.md``
defines both, and every kind of step. Steps of a body (``do``) lie in the same table as all others: ``within`` names
the composite step that they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec

Join: TypeAlias = Literal["any", "all", "taken", "enough", "threads"]
Rest: TypeAlias = Literal["ignore", "cancel", "hold"]
"""What becomes of those that arrive, or still run, when enough have arrived."""

Split: TypeAlias = Literal["exclusive", "parallel", "inclusive"]
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


class Undo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The task that compensates a step which was completed; ``input`` is a template that sees its ``output``."""

    task: str
    queue: str = "default"
    input: Any = None
    retry: Retry = Retry()
    timeout: Period | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Something that a step can wait for: a message with a correlation key, a signal, or a moment.

    ``key`` is a template; a timer has one of ``after``, ``until`` (ISO 8601) and ``cron`` (with ``timezone``).
    """

    kind: Literal["message", "signal", "timer"]
    name: str = ""
    key: str = ""
    after: Period | None = None
    until: str | None = None
    cron: str | None = None
    timezone: str = "UTC"


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the events that a step listens for. ``exit`` None: the step is left by its ordinary way out."""

    event: Event
    set: dict[str, Any] | None = None
    exit: Transition | None = None


class Catch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What happens beside the ordinary way out while a step is open, or when it fails.

    ``kind`` error and escalation match ``codes`` (none: any code), an error also ``classes`` (none: any class); event
    has an ``event``. ``cancel`` says whether the step is withdrawn; an error has ended it anyway.
    """

    kind: Literal["error", "escalation", "event"]
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    event: Event | None = None
    cancel: bool = True
    set: dict[str, Any] | None = None
    exit: Transition


class _Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What all kinds have in common. ``enough`` belongs to the joins ``enough`` (of the incoming transitions) and
    ``threads`` (tokens, whichever way they come), ``rest`` to ``enough``. ``lock`` excludes other steps with the same
    lock, in this execution or, ``shared``, in all. ``offers`` are steps that may be started while this one is open.
    """

    id: str
    name: str = ""
    within: str = ""
    join: Join = "any"
    enough: int = 0
    rest: Rest = "ignore"
    split: Split = "exclusive"
    incoming: tuple[str, ...] = ()
    outgoing: tuple[Transition, ...] = ()
    catches: tuple[Catch, ...] = ()
    lock: str | None = None
    shared: bool = False
    offers: tuple[Transition, ...] = ()
    timeout: Period | None = None


class TaskStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="task"):
    """
    Work for a worker. ``timeout`` counts from start to end of an attempt, ``start_within`` from scheduling to a
    worker's claim. ``undo_first``: an attempt that failed is undone before the next one.
    """

    task: str
    queue: str = "default"
    input: Any = None
    output: dict[str, Any] | None = None
    retry: Retry = Retry()
    heartbeat: float | None = None
    start_within: Period | None = None
    undo: Undo | None = None
    undo_first: bool = False


class WaitStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="wait"):
    """A timer: for a while, until a moment (a template that gives an ISO 8601 date-time), or to a tick of ``cron``."""

    duration: Period | None = None
    until: str | None = None
    cron: str | None = None
    timezone: str = "UTC"


class ListenStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="listen"):
    """Waits for the first of its events: a message, a signal, a moment; the others are withdrawn."""

    options: tuple[Option, ...]


class Send(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message to the mailbox of its key, kept for ``keep``; or a signal to everyone who waits for it now."""

    kind: Literal["message", "signal"]
    name: str
    key: str = ""
    payload: Any = None
    keep: Period | None = None


class Throw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``code`` is what catches match; ``message`` is a template."""

    code: str
    message: str = ""


class RouteStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="route"):
    """
    Passed at once: a choice, a fork, a join, or a place where something is done that takes no time.

    ``set`` changes variables, ``send`` sends, ``cancels`` withdraws steps of the same body, ``fail`` and ``escalate``
    throw, ``threads`` puts so many tokens on the way out, ``finish`` ends the whole execution.
    """

    set: dict[str, Any] | None = None
    send: Send | None = None
    cancels: tuple[str, ...] = ()
    fail: Throw | None = None
    escalate: Throw | None = None
    threads: int | str | None = None
    finish: bool = False


class BlockStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="block"):
    """
    A body of steps: a region, or with ``loop`` a loop that asks its ``condition`` before (while) or after (until)
    each round, at most ``at_most`` rounds. ``one_at_a_time``: no two steps of the body are open at the same moment.
    """

    start: tuple[Transition, ...]
    variables: dict[str, Any] = {}
    loop: Literal["while", "until"] | None = None
    condition: str | None = None
    at_most: int = 10_000
    one_at_a_time: bool = False
    undo: Undo | None = None


class EachStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="each"):
    """
    A copy of the body for each item. ``items`` is a list, a count, or a template of either; ``item`` the name under
    which a copy sees its own; ``at_once`` how many copies are open together. ``collect`` (a template) is what a copy
    gives, ``into`` the variable that gets the list. ``enough`` copies (or the condition ``done_when``) are enough;
    ``waits`` False goes on at once.
    """

    start: tuple[Transition, ...]
    items: Any
    item: str = "item"
    at_once: int = 100
    variables: dict[str, Any] = {}
    collect: Any = None
    into: str | None = None
    done_when: str | None = None
    waits: bool = True


class WorkflowStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="workflow"):
    """
    Another execution: of ``version``, or the latest when it starts. ``waits`` False starts it and goes on.
    """

    workflow: str
    version: str | None = None
    input: Any = None
    output: dict[str, Any] | None = None
    waits: bool = True
    undo: Undo | None = None


class CompensateStep(_Step, frozen=True, kw_only=True, omit_defaults=True, tag="compensate"):
    """Undoes what was completed: of ``steps`` (none: everything), the latest first, or all at once."""

    steps: tuple[str, ...] = ()
    order: Literal["reverse", "parallel"] = "reverse"


Step: TypeAlias = TaskStep | WaitStep | ListenStep | RouteStep | BlockStep | EachStep | WorkflowStep | CompensateStep


class Trigger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What starts executions by itself: a message of a name, a schedule (``cron`` or ``every`` seconds), or an HTTP hook.

    ``input`` is a template that sees ``payload``, ``key`` and ``due`` (ISO 8601 text of a schedule's tick).
    ``catch_up`` says how many missed ticks of a schedule are made good.
    """

    id: str
    kind: Literal["message", "schedule", "hook"]
    name: str = ""
    cron: str | None = None
    every: float | None = None
    timezone: str = "UTC"
    catch_up: Literal["none", "one", "all"] = "one"
    input: Any = None
    business_key: str | None = None


class Graph(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A whole definition. ``variables`` are the defaults, ``input_schema`` a JSON Schema of the input, ``output`` a
    template of the result, ``timeout`` seconds for the whole execution, ``queues`` the transport of each queue named.

    ``on_failure`` and ``on_cancel`` say whether the completed steps are undone; ``max_visits`` bounds its cycles.
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
    triggers: tuple[Trigger, ...] = ()
    on_failure: Literal["park", "compensate"] = "park"
    on_cancel: Literal["withdraw", "compensate"] = "withdraw"
    undo_order: Literal["reverse", "parallel"] = "reverse"
    max_visits: int = 1_000_000


BYPASS: Final = "=>"
"""Begins the name of a place before a step from which a token enters whatever the step's join is."""


def ways_out(step: Step) -> Iterator[Transition]:
    """Every transition on which ``step`` can put a token, in its own scope."""
    yield from step.outgoing
    yield from step.offers
    yield from (catch.exit for catch in step.catches)
    if isinstance(step, ListenStep):
        yield from (option.exit for option in step.options if option.exit is not None)


def transitions(graph: Graph) -> Iterator[Transition]:
    """All of a graph, those into bodies as well."""
    yield from graph.start
    for step in graph.steps.values():
        yield from ways_out(step)
        if isinstance(step, BlockStep | EachStep):
            yield from step.start


@dataclass(frozen=True, slots=True)
class Definition:
    """A published version with the digest of its compiled graph (``sha256`` in hex), which executions pin."""

    graph: Graph
    digest: str
    targets: Mapping[str, str] = field(init=False, repr=False, compare=False)
    synchronising: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """The joins that wait for what is taken, with their places in the order of the definition."""
    bodies: dict[str, Any] = field(init=False, repr=False, compare=False)
    upstream: dict[str, Any] = field(init=False, repr=False, compare=False)
    between: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    """What ``upstream.py`` has found out, kept for the next time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", {t.id: t.target for t in transitions(self.graph)})
        taken = [step.id for step in self.graph.steps.values() if step.join == "taken"]
        object.__setattr__(self, "synchronising", {step: place for place, step in enumerate(taken)})
        object.__setattr__(self, "bodies", {})
        object.__setattr__(self, "upstream", {})
        object.__setattr__(self, "between", {})

    @property
    def id(self) -> str:
        return self.graph.id

    @property
    def version(self) -> str:
        return self.graph.version

    def target(self, transition: str) -> str:
        """The step that a token on ``transition`` is before."""
        return transition.removeprefix(BYPASS) if transition.startswith(BYPASS) else self.targets[transition]
