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
from penstock.domain.execution.events import Status

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
MISSED_BEATS: Final = 3
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
    """``tries`` counts the attempts of the present budget, ``attempt`` all of them."""

    step: str
    scope: int = 0
    attempt: int = 1
    tries: int = 1
    input: Any = None
    scheduled_at: datetime
    start_by: datetime | None = None
    claim: Claim | None = None


class BackingOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="backing_off"):
    """Between two attempts; ``attempt`` is the one that failed."""

    step: str
    scope: int = 0
    attempt: int
    tries: int
    input: Any = None
    retry_at: datetime


class OpenTimer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="timer"):
    step: str
    scope: int = 0
    due_at: datetime


class FailedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="failed"):
    """Waits for a retry of the execution. ``attempt`` 0: the step itself could not be entered."""

    step: str
    scope: int = 0
    attempt: int = 0
    input: Any = None
    failure: Failure


Visit: TypeAlias = OpenTask | BackingOff | OpenTimer | FailedStep


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the execution comes from; never changes."""

    definition: str
    version: str
    digest: str
    started_at: datetime
    business_key: str | None = None
    initiated_by: str


class NotStarted(msgspec.Struct, frozen=True, tag="not_started"):
    pass


class Execution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="execution"):
    """
    An execution that has begun and not ended.

    ``mode`` says whether tokens move; ``status`` is what the world is told. While paused or failed, results are
    recorded and put tokens on transitions, but none enters a step.
    """

    origin: Origin
    mode: Literal["running", "paused", "failed"] = "running"
    status: Status = "running"
    variables: dict[str, Any] = {}
    results: dict[str, Any] = {}
    tokens: dict[int, dict[str, int]] = {}
    visits: dict[int, Visit] = {}
    next_visit: int = 1
    bites: int = 0
    unfinished: bool = False
    deadline: datetime | None = None
    purge_at: datetime | None = None


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
    if state.deadline is not None:
        dues.append(state.deadline)
    return min(dues, default=None)


def visit_dues(number: int, visit: Visit, beats: Mapping[int, datetime]) -> Iterator[datetime]:
    """The moments at which something happens to a visit if nobody comes before."""
    match visit:
        case OpenTimer(due_at=due):
            yield due
        case BackingOff(retry_at=due):
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
        case FailedStep():
            pass
