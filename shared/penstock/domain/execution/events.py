"""
What has happened to an execution. Stored for ever; ``evolve`` needs nothing else.

Tokens ride in the fields: ``taken`` are the transitions on which an event puts a token, ``consumed`` those from which
it takes one, both in ``scope`` (0 is the execution itself). ``status`` stands on the event that changed the public
status. The id of the execution is the envelope's ``subject``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from penstock.domain.errors import Failure

Status: TypeAlias = Literal["running", "waiting", "paused", "failed", "completed", "cancelled", "terminated"]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition that was evaluated: what it said, what it gave, what it saw (VAR-06)."""

    expression: str
    result: bool
    seen: dict[str, Any] = {}


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    status: Status | None = None


class ExecutionStarted(_Event, frozen=True, kw_only=True, omit_defaults=True):
    definition: str
    version: str
    digest: str
    input: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    business_key: str | None = None
    tags: tuple[str, ...] = ()
    priority: str = "medium"
    initiated_by: str = "system"
    deadline: datetime | None = None


class TaskScheduled(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """
    An attempt is offered to workers. ``visit`` is new on the first attempt, the same on the next ones.

    ``claim`` asks the worker to claim before it works; ``timeout`` (None: as long as it shows that it lives) and
    ``heartbeat`` are seconds.
    """

    visit: int
    step: str
    attempt: int = 1
    scope: int = 0
    consumed: tuple[str, ...] = ()
    task: str
    queue: str = "default"
    input: Any = None
    timeout: float | None = 10.0
    heartbeat: float | None = None
    claim: bool = False
    start_by: datetime | None = None


class TaskClaimed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """From here on the engine owns the attempt's expiry: ``expires_at``, or three missed heartbeats (in seconds)."""

    visit: int
    attempt: int
    worker: str
    token: str
    expires_at: datetime | None = None
    heartbeat: float | None = None


class TaskCompleted(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """``set`` are changed variables; ``keep`` says that the output stays readable as ``steps.<id>``."""

    visit: int
    step: str
    attempt: int
    output: Any = None
    keep: bool = False
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    worker: str = ""


class TaskFailed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt failed. The next one begins at ``retry_at``; None means that no attempt is left."""

    visit: int
    step: str
    attempt: int
    failure: Failure
    retry_at: datetime | None = None
    worker: str = ""


class TimerStarted(_Event, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    due_at: datetime


class TimerFired(_Event, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class StepPassed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """A routing step was entered and left at once."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class StepFailed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """A step could not be entered or left: its own expressions failed, or no branch was open."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    failure: Failure


class StepCancelled(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """An open step was withdrawn; ``attempt`` is that of its task, 0 where it has none."""

    visit: int
    step: str
    attempt: int = 0
    reason: str = ""


class ExecutionPaused(_Event, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class ExecutionResumed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


class ExecutionFailed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """Parked, not ended: it can be retried until ``purge_at``, then it is terminated."""

    failure: Failure
    step: str | None = None
    visit: int | None = None
    purge_at: datetime


class ExecutionRetried(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """The failed visits are tried again, each with a fresh budget of attempts."""

    visits: tuple[int, ...] = ()
    deadline: datetime | None = None
    by: str = "system"


class BiteTaken(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """One decision was enough for now; the clock brings the execution back at once (a decision is bounded)."""


class ExecutionCompleted(_Event, frozen=True, kw_only=True, omit_defaults=True):
    output: Any = None


class ExecutionCancelled(_Event, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class ExecutionTerminated(_Event, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


ExecutionEvent: TypeAlias = (
    ExecutionStarted
    | TaskScheduled
    | TaskClaimed
    | TaskCompleted
    | TaskFailed
    | TimerStarted
    | TimerFired
    | StepPassed
    | StepFailed
    | StepCancelled
    | ExecutionPaused
    | ExecutionResumed
    | ExecutionFailed
    | ExecutionRetried
    | BiteTaken
    | ExecutionCompleted
    | ExecutionCancelled
    | ExecutionTerminated
)
