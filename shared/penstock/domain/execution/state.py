"""
What an execution is, as far as its decisions need it: tokens in scopes, visits of steps, variables.

A *token* lies on a transition and waits to enter a step. A *visit* is one stay of a token in a step; it has a number of
its own for the whole execution. Both belong to a *scope*; 0 is the execution itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

import msgspec

from penstock.domain.errors import Failure
from penstock.domain.execution.happened import Status
from penstock.domain.execution.task_events import Undoing

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
MISSED_BEATS: Final = 3
SHELF: Final = 256
"""Outputs that are kept together."""

PAGE: Final = 1000
"""Results of a for-each that are kept together: one more does not touch the others."""

REDISPATCH_AFTER: Final = timedelta(days=6)
"""An attempt that nobody took is offered again before the task topic forgets it (7 days)."""


class Claim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker holds the attempt; ``heartbeat`` (seconds) says how often it has to show that it lives."""

    worker: str
    token: str
    claimed_at: datetime
    expires_at: datetime | None = None
    heartbeat: float | None = None

    def beat_by(self, since: datetime) -> datetime | None:
        return since + timedelta(seconds=MISSED_BEATS * self.heartbeat) if self.heartbeat else None


class OpenTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="task"):
    """
    ``tries`` counts the attempts of the present budget, ``attempt`` all of them. ``undoes`` is the visit that the task
    compensates; ``adhoc`` the type and queue of a task that the definition does not know.
    """

    step: str
    scope: int = 0
    attempt: int = 1
    tries: int = 1
    input: Any = None
    scheduled_at: datetime
    start_by: datetime | None = None
    claim: Claim | None = None
    undoes: int | None = None
    adhoc: tuple[str, str] | None = None


class BackingOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="backing_off"):
    """Between two attempts; ``attempt`` is the one that failed, which is undone first where it is ``undoing``."""

    step: str
    scope: int = 0
    attempt: int
    tries: int
    input: Any = None
    retry_at: datetime
    undoes: int | None = None
    adhoc: tuple[str, str] | None = None
    undoing: bool = False


class OpenTimer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="timer"):
    step: str
    scope: int = 0
    due_at: datetime


class FailedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="failed"):
    """
    Waits for a retry of the execution. ``attempt`` 0: the step itself could not be entered, or was failed as a whole.
    ``child`` is the execution that failed in its place.
    """

    step: str
    scope: int = 0
    attempt: int = 0
    input: Any = None
    failure: Failure
    child: str | None = None
    undoes: int | None = None
    adhoc: tuple[str, str] | None = None


class Listening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="listening"):
    """For what, is in the execution's ``waits``."""

    step: str
    scope: int = 0


class OpenBlock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="block"):
    """A body is under way; its tokens and visits have the visit's number as their scope."""

    step: str
    scope: int = 0
    round: int = 1
    variables: dict[str, Any] = {}


class OpenEach(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="each"):
    """
    Copies are under way: ``open`` of them, ``done`` are over. The items from ``cursor`` on wait in ``pages``, of which
    the first begins with number ``first``. ``results`` are pages by index // PAGE, each by index.
    """

    step: str
    scope: int = 0
    item: str
    at_once: int
    into: str | None = None
    pages: tuple[list[Any], ...] = ()
    first: int = 0
    cursor: int = 0
    total: int = 0
    open: int = 0
    done: int = 0
    results: dict[int, dict[int, Any]] = {}
    left: bool = False
    closed: bool = False


class OpenCopy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="copy"):
    """One copy of a for-each, whose visit is its ``scope``. What its tasks gave is kept in it."""

    step: str
    scope: int
    index: int
    variables: dict[str, Any]
    results: dict[str, Any] = {}


class OpenChild(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="child"):
    step: str
    scope: int = 0
    child: str


class Compensating(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="compensating"):
    """Undo tasks are under way in the scope of this number; ``visits`` are those still to be undone."""

    step: str
    scope: int = 0
    visits: tuple[int, ...] = ()
    parallel: bool = False
    then: Literal["go_on", "cancelled"]
    reason: str
    by: str


class Queued(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="queued"):
    """Waits in the step for its lock, which stands in the execution's ``locks``; once that is granted, it begins."""

    step: str
    scope: int = 0


Composite: TypeAlias = OpenBlock | OpenEach | OpenCopy | Compensating
Visit: TypeAlias = (
    OpenTask
    | BackingOff
    | OpenTimer
    | FailedStep
    | Listening
    | OpenBlock
    | OpenEach
    | OpenCopy
    | OpenChild
    | Compensating
    | Queued
)


class Waits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a visit waits for: mailboxes and signals by option, and which of these have confirmed; moments by option.

    ``again``: the visit failed and waits anew. What it gets may then have been meant for its earlier waits, so that
    those it has now are all closed in the end.
    """

    sources: dict[int, str] = {}
    confirmed: tuple[int, ...] = ()
    timers: dict[int, datetime] = {}
    again: bool = False


class HeldLock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Asked for by a visit, and held once ``granted``. ``request`` (0: the visit's own number) tells it from what the same
    visit has asked for before it failed, which may be granted still.
    """

    lock: str
    shared: bool = False
    request: int = 0
    granted: bool = False
    fence: int | None = None


class Wave(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ways in that have arrived at a join that waits for enough of them, and whether it has gone on."""

    arrived: tuple[str, ...] = ()
    fired: bool = False


class Undoable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A completed visit of ``step`` that can be undone; it was the ``order``-th. ``within`` are the steps around it, the
    outermost first, and ``copies`` the visits of the copies among them.
    """

    step: str
    order: int
    within: tuple[str, ...] = ()
    copies: tuple[int, ...] = ()
    undo: Undoing


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the execution comes from; never changes."""

    definition: str
    version: str
    digest: str
    started_at: datetime
    business_key: str | None = None
    initiated_by: str
    depth: int = 0


class NotStarted(msgspec.Struct, frozen=True, tag="not_started"):
    pass


class Execution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="execution"):
    """
    An execution that has begun and not ended.

    ``mode`` says whether tokens move; ``status`` is what the world is told. While paused or failed, results are
    recorded and put tokens on transitions, but none enters a step. ``results`` are the outputs kept last; when there
    are SHELF of them they go on one of the ``shelves``, so that one more does not copy them all.
    """

    origin: Origin
    mode: Literal["running", "paused", "failed"] = "running"
    status: Status = "running"
    variables: dict[str, Any] = {}
    results: dict[str, Any] = {}
    shelves: tuple[dict[str, Any], ...] = ()
    tokens: dict[int, dict[str, int]] = {}
    visits: dict[int, Visit] = {}
    next_visit: int = 1
    bites: int = 0
    unfinished: bool = False
    deadline: datetime | None = None
    purge_at: datetime | None = None
    waits: dict[int, Waits] = {}
    locks: dict[int, HeldLock] = {}
    waves: dict[int, dict[str, Wave]] = {}
    undoable: dict[int, dict[int, Undoable]] = {}
    completions: int = 0


class Ended(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    outcome: Literal["completed", "cancelled", "terminated"]
    output: Any = None


ExecutionState: TypeAlias = NotStarted | Execution | Ended


def due_at(state: ExecutionState, beats: Mapping[int, datetime] | None = None) -> datetime | None:
    """When the clock has to come back with ``FireTimers``; ``beats`` are the last heartbeats by visit."""
    if not isinstance(state, Execution) or state.mode == "paused":
        return None
    if state.mode == "failed":
        return state.purge_at
    if state.unfinished:
        return AT_ONCE
    dues = [due for number, visit in state.visits.items() for due in visit_dues(number, visit, beats or {})]
    dues.extend(due for waits in state.waits.values() for due in waits.timers.values())
    if state.deadline is not None:
        dues.append(state.deadline)
    return min(dues, default=None)


def visit_dues(number: int, visit: Visit, beats: Mapping[int, datetime]) -> Iterator[datetime]:
    """The moments at which something happens to a visit if nobody comes before."""
    match visit:
        case OpenTimer(due_at=due):
            yield due
        case BackingOff(retry_at=due, undoing=undoing):
            if not undoing:
                yield due
        case OpenTask(claim=None):
            yield visit.scheduled_at + REDISPATCH_AFTER
            if visit.start_by is not None:
                yield visit.start_by
        case OpenTask(claim=Claim() as claim):
            if claim.expires_at is not None:
                yield claim.expires_at
            beat_by = claim.beat_by(beats.get(number, claim.claimed_at))
            if beat_by is not None:
                yield beat_by
        case _:
            pass
