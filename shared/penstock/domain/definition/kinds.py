"""The kinds of steps as they are written: which keys each has, and who reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from penstock.domain.definition.attributes import SHARED_KEYS, with_shared
from penstock.domain.definition.draft import Draft, Fields
from penstock.domain.definition.findings import Path
from penstock.domain.definition.kinds_body import read_block, read_each, read_until, read_while
from penstock.domain.definition.kinds_event import read_first, read_send, read_wait
from penstock.domain.definition.kinds_route import (
    read_cancel,
    read_compensate,
    read_escalate,
    read_fail,
    read_finish,
    read_pass,
    read_route,
    read_set,
    read_threads,
)
from penstock.domain.definition.kinds_task import RETRY_KEYS, read_task, read_workflow
from penstock.domain.definition.model import CompensateStep, ListenStep, RouteStep, Step
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.routes import Exit, Routes, read_branches, read_include, read_next, read_parallel

__all__ = ["KINDS", "RETRY_KEYS", "SHARED_KEYS", "Kind", "read_step"]

_Read: TypeAlias = Callable[[str, Fields, Path, Reading], Step | tuple[Step, tuple[Exit, ...]]]
_BODY: Final = ("do", "start", "variables")
_BLOCK: Final = ("one_at_a_time", "timeout", "undo", "next")


class Kind(NamedTuple):
    """``keys`` beside the shared ones; the first is the one that decides the kind."""

    keys: tuple[str, ...]
    read: _Read
    routes: Callable[[Fields, Path, Reading], Routes]


def read_step(step_id: str, value: Any, path: Path, reading: Reading) -> Draft:
    """The step that stands at ``path``, as well as it can be made out; its body, if it has one, is left to others."""
    nothing = Draft(RouteStep(id=step_id), Routes(sound=False), path)
    if not isinstance(value, Mapping):
        reading.wrong_type(value, path, "a step to be a mapping", f"write one of {', '.join(KINDS)} below it")
        return nothing
    given = [name for name in KINDS if name in value]
    if len(given) > 1 and "do" in given:
        given.remove("do")
    if len(given) != 1:
        _no_kind(given, value, path, reading)
        return nothing
    kind = KINDS[given[0]]
    fields = reading.fields(value, path, (*kind.keys, *SHARED_KEYS), f"a {given[0]} step") or {}
    read = kind.read(step_id, fields, path, reading)
    routes = kind.routes(fields, path, reading)
    if not isinstance(read, tuple):
        return with_shared(Draft(read, routes, path), fields, reading)
    step, exits = read
    sides = exits if isinstance(step, ListenStep) else ()
    named = exits if isinstance(step, RouteStep | CompensateStep) else ()
    return with_shared(Draft(step, routes, path, sides=sides, named=named), fields, reading)


def _no_kind(given: list[str], value: Mapping[str, Any], path: Path, reading: Reading) -> None:
    reading.fields(value, path, _ALL_KEYS, "a step")
    if given:
        message = f"expected one kind of step, but got {' and '.join(given)}"
        reading.report.at_key("KIND_AMBIGUOUS", message, (*path, given[1]), "make a step of each")
    else:
        message = f"expected a step to have one of {', '.join(KINDS)}"
        reading.report.at_key("KIND_MISSING", message, path, "`pass: true` is a step that does nothing")


def _next(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_next(fields["next"], (*path, "next"), reading) if "next" in fields else Routes()


def _nowhere(fields: Fields, path: Path, reading: Reading) -> Routes:
    return Routes()


def _choose(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_branches(fields["choose"], (*path, "choose"), reading)


def _include(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_include(fields["include"], (*path, "include"), reading)


def _parallel(fields: Fields, path: Path, reading: Reading) -> Routes:
    return read_parallel(fields["parallel"], (*path, "parallel"), reading)


KINDS: Final[dict[str, Kind]] = {
    "task": Kind(
        ("task", "input", "output", "retry", "timeout", "heartbeat", "start_within", "queue", "undo", "next"),
        read_task,
        _next,
    ),
    "wait": Kind(("wait", "output", "timeout", "next"), read_wait, _next),
    "first": Kind(("first", "timeout", "next"), read_first, _next),
    "choose": Kind(("choose",), read_route, _choose),
    "include": Kind(("include",), read_route, _include),
    "parallel": Kind(("parallel",), read_route, _parallel),
    "threads": Kind(("threads", "next"), read_threads, _next),
    "set": Kind(("set", "next"), read_set, _next),
    "pass": Kind(("pass", "next"), read_pass, _next),
    "send": Kind(("send", "next"), read_send, _next),
    "cancel": Kind(("cancel", "next"), read_cancel, _next),
    "fail": Kind(("fail",), read_fail, _nowhere),
    "escalate": Kind(("escalate", "next"), read_escalate, _next),
    "finish": Kind(("finish",), read_finish, _nowhere),
    "compensate": Kind(("compensate", "order", "next"), read_compensate, _next),
    "do": Kind((*_BODY, *_BLOCK), read_block, _next),
    "while": Kind(("while", "at_most", *_BODY, *_BLOCK), read_while, _next),
    "until": Kind(("until", "at_most", *_BODY, *_BLOCK), read_until, _next),
    "each": Kind(
        (
            "each", "as", "at_once", "collect", "into", "enough", "rest", "await",
            *_BODY, "timeout", "next",
        ),
        read_each,
        _next,
    ),
    "workflow": Kind(
        ("workflow", "version", "input", "output", "await", "timeout", "undo", "next"), read_workflow, _next
    ),
}  # fmt: skip
_ALL_KEYS: Final = tuple(dict.fromkeys([*SHARED_KEYS, *(key for kind in KINDS.values() for key in kind.keys)]))
