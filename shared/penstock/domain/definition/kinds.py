"""The kinds of steps as they are written: which keys each has, and the step of the graph that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import (
    MAX_ATTEMPTS,
    MAX_CODES,
    MAX_NAME,
    QUEUE,
    RESERVED_QUEUES,
    TASK_TYPE,
)
from penstock.domain.definition.model import Join, Retry, RouteStep, Step, TaskStep, WaitStep
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.routes import Routes, read_branches, read_next, read_parallel

SHARED_KEYS: Final = ("name", "join")
RETRY_KEYS: Final = ("attempts", "backoff", "factor", "cap", "jitter", "never")
WAIT_KEYS: Final = ("until",)


class Draft(NamedTuple):
    """A step as far as it could be read; it gets its transitions when all steps are known."""

    step: Step
    routes: Routes
    path: Path


Fields: TypeAlias = Mapping[str, Any]


class Kind(NamedTuple):
    """``keys`` beside the shared ones; the first is the one that decides the kind."""

    keys: tuple[str, ...]
    read: Callable[[str, Fields, Path, Reading], Step]
    routes: Callable[[Fields, Path, Reading], Routes]


def read_step(step_id: str, value: Any, path: Path, reading: Reading) -> Draft:
    """The step that stands at ``path``, as well as it can be made out."""
    nothing = Draft(RouteStep(id=step_id), Routes(sound=False), path)
    if not isinstance(value, Mapping):
        reading.wrong_type(value, path, "a step to be a mapping", f"write one of {', '.join(KINDS)} below it")
        return nothing
    given = [name for name in KINDS if name in value]
    if len(given) != 1:
        reading.fields(value, path, _ALL_KEYS, "a step")
        if given:
            message = f"expected one kind of step, but got {' and '.join(given)}"
            reading.report.at_key("KIND_AMBIGUOUS", message, (*path, given[1]), "make a step of each")
        else:
            message = f"expected a step to have one of {', '.join(KINDS)}"
            reading.report.at_key("KIND_MISSING", message, path, "`pass: true` is a step that does nothing")
        return nothing
    kind = KINDS[given[0]]
    fields = reading.fields(value, path, (*kind.keys, *SHARED_KEYS), f"a {given[0]} step") or {}
    step = kind.read(step_id, fields, path, reading)
    name = reading.text(fields.get("name", ""), (*path, "name"), "the name", MAX_NAME)
    reading.template(name, (*path, "name"))
    step = msgspec.structs.replace(step, name=name, join=_join(fields, path, reading))
    return Draft(step, kind.routes(fields, path, reading), path)


def _join(fields: Fields, path: Path, reading: Reading) -> Join:
    join = fields.get("join", "any")
    if join in ("any", "all"):
        return "all" if join == "all" else "any"
    reading.report.error("BAD_VALUE", f"expected `join` to be any or all, but got {join!r:.60}", (*path, "join"))
    return "any"


def _task(step_id: str, fields: Fields, path: Path, reading: Reading) -> TaskStep:
    task = reading.word(fields["task"], (*path, "task"), "a type of task", TASK_TYPE)
    reading.template(fields.get("input"), (*path, "input"))
    output: dict[str, Any] | None = None
    if "output" in fields:
        output = reading.assignments(fields["output"], (*path, "output"), "`output`", in_output=True)
    timeout = reading.period(fields["timeout"], (*path, "timeout"), "`timeout`") if "timeout" in fields else None
    heartbeat = (
        reading.duration(fields["heartbeat"], (*path, "heartbeat"), "`heartbeat`") if "heartbeat" in fields else None
    )
    within = None
    if "start_within" in fields:
        within = reading.period(fields["start_within"], (*path, "start_within"), "`start_within`")
    if isinstance(timeout, float) and heartbeat is not None and heartbeat >= timeout:
        message = f"a heartbeat every {heartbeat:g} s is of no use to a task that may take {timeout:g} s"
        reading.report.warn("HEARTBEAT_TOO_LONG", message, (*path, "heartbeat"), level="advice")
    return TaskStep(
        id=step_id,
        task=task or "",
        queue=queue_name(fields.get("queue", "default"), (*path, "queue"), reading),
        input=fields.get("input"),
        output=output,
        retry=_retry(fields["retry"], (*path, "retry"), reading) if "retry" in fields else Retry(),
        timeout=timeout,
        heartbeat=heartbeat,
        start_within=within,
    )


def queue_name(value: Any, path: Path, reading: Reading) -> str:
    """The name of a queue, which becomes part of a topic's name."""
    name = reading.word(value, path, "the name of a queue", QUEUE)
    if name in RESERVED_QUEUES or (name and name.endswith(".dlq")):
        reading.report.error(
            "RESERVED_NAME", f"expected the name of a queue, but {name!r} is taken by the product", path
        )
    return name or "default"


def _retry(value: Any, path: Path, reading: Reading) -> Retry:
    fields = reading.fields(value, path, RETRY_KEYS, "`retry`")
    if fields is None:
        return Retry()
    plain = Retry()
    attempts, backoff, cap = None, None, None
    if "attempts" in fields:
        attempts = reading.whole(fields["attempts"], (*path, "attempts"), "`attempts`", 1, MAX_ATTEMPTS)
    if "backoff" in fields:
        backoff = reading.duration(fields["backoff"], (*path, "backoff"), "`backoff`", zero=True)
    if "cap" in fields:
        cap = reading.duration(fields["cap"], (*path, "cap"), "`cap`", zero=True)
    first = plain.backoff if backoff is None else backoff
    if cap is not None and cap < first:
        message = f"expected `cap` to be at least the first pause of {first:g} s, but got {cap:g} s"
        reading.report.error("OUT_OF_RANGE", message, (*path, "cap"))
    factor, jitter = plain.factor, plain.jitter
    if "factor" in fields:
        factor = reading.number(fields["factor"], (*path, "factor"), "`factor`", 1, 100) or factor
    if "jitter" in fields:
        jitter = reading.number(fields["jitter"], (*path, "jitter"), "`jitter`", 0, 1) or 0.0
    return Retry(
        attempts=plain.attempts if attempts is None else attempts,
        backoff=first,
        factor=factor,
        cap=max(plain.cap, first) if cap is None else cap,
        jitter=jitter,
        never=reading.texts(fields.get("never", []), (*path, "never"), "error codes", MAX_CODES, MAX_NAME),
    )


def _wait(step_id: str, fields: Fields, path: Path, reading: Reading) -> WaitStep:
    value, here = fields["wait"], (*path, "wait")
    if not isinstance(value, Mapping):
        return WaitStep(id=step_id, duration=reading.period(value, here, "`wait`", zero=True))
    moment = reading.fields(value, here, WAIT_KEYS, "`wait`") or {}
    if "until" not in moment:
        reading.missing("until", here, "`wait`", "write `wait: 5m`, or `wait: {until: …}`")
        return WaitStep(id=step_id)
    return WaitStep(id=step_id, until=reading.moment(moment["until"], (*here, "until")))


def _set(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id, set=reading.assignments(fields["set"], (*path, "set"), "`set`"))


def _pass(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    if fields["pass"] is not True:
        reading.wrong_type(fields["pass"], (*path, "pass"), "`pass` to be true")
    return RouteStep(id=step_id)


def _route(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id)


def _next(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_next(fields["next"], (*path, "next"), reading) if "next" in fields else Routes()


def _choose(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_branches(fields["choose"], (*path, "choose"), reading)


def _parallel(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_parallel(fields["parallel"], (*path, "parallel"), reading)


KINDS: Final[dict[str, Kind]] = {
    "task": Kind(
        ("task", "input", "output", "retry", "timeout", "heartbeat", "start_within", "queue", "next"), _task, _next
    ),
    "wait": Kind(("wait", "next"), _wait, _next),
    "choose": Kind(("choose",), _route, _choose),
    "parallel": Kind(("parallel",), _route, _parallel),
    "set": Kind(("set", "next"), _set, _next),
    "pass": Kind(("pass", "next"), _pass, _next),
}
_ALL_KEYS: Final = tuple(dict.fromkeys([*SHARED_KEYS, *(key for kind in KINDS.values() for key in kind.keys)]))
