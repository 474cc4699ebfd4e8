"""What happens to a task: offered, claimed, completed, failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from penstock.domain.errors import Failure
from penstock.domain.execution.happened import Evaluation, Happened


class TaskScheduled(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    An attempt is offered to workers. ``visit`` is new on the first attempt, the same on the next ones.

    ``claim`` asks the worker to claim before it works; ``timeout`` (None: as long as it shows that it lives) and
    ``heartbeat`` are seconds. ``undoes`` is the visit that the task compensates, ``adhoc`` who added it by hand.
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
    undoes: int | None = None
    adhoc: str | None = None


class TaskClaimed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """From here on the engine owns the attempt's expiry: ``expires_at``, or three missed heartbeats (in seconds)."""

    visit: int
    attempt: int
    worker: str
    token: str
    expires_at: datetime | None = None
    heartbeat: float | None = None


class Undoing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The task that would compensate a completed visit, with its input as it was when the visit was completed."""

    task: str
    queue: str = "default"
    input: Any = None


class TaskCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    ``set`` are changed variables; ``keep`` says that the output stays readable as ``steps.<id>``. ``by`` completed it
    by hand, in the place of a worker.
    """

    visit: int
    step: str
    attempt: int
    output: Any = None
    keep: bool = False
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    worker: str = ""
    undo: Undoing | None = None
    by: str | None = None


class TaskFailed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    An attempt failed. The next one begins at ``retry_at``; None means that no attempt is left. ``undo`` is what undoes
    the attempt before that, where the step asks for it.
    """

    visit: int
    step: str
    attempt: int
    failure: Failure
    retry_at: datetime | None = None
    worker: str = ""
    undo: Undoing | None = None


TaskEvent: TypeAlias = TaskScheduled | TaskClaimed | TaskCompleted | TaskFailed
