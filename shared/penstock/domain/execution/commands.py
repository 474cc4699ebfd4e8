"""What an execution can be asked to do. Commands of callers, results of workers, and due timers alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from penstock.domain.errors import Failure


class StartExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Create and start. Without a ``version``, the latest active one when the command is decided."""

    definition: str
    version: str | None = None
    input: dict[str, Any] = {}
    business_key: str | None = None
    tags: tuple[str, ...] = ()
    priority: str = "medium"
    initiated_by: str = "system"


class ClaimTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker began an attempt that the engine has to watch. ``token`` is the worker's own, made for this claim."""

    visit: int
    attempt: int
    worker: str
    token: str


class HeartbeatTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attempt is alive. Moves its deadline, leaves no event."""

    visit: int
    attempt: int
    token: str


class CompleteTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    attempt: int
    output: Any = None
    token: str | None = None
    worker: str = ""


class FailTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    attempt: int
    failure: Failure
    token: str | None = None
    worker: str = ""


class FireTimers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The clock says that something is due. ``beats`` are the last heartbeats by visit. Never comes from outside."""

    beats: dict[int, datetime] = {}


class PauseExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class ResumeExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


class CancelExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class TerminateExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class RetryExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Try the failed steps of a failed execution again, with a fresh budget of attempts."""

    by: str = "system"


ExecutionCommand: TypeAlias = (
    StartExecution
    | ClaimTask
    | HeartbeatTask
    | CompleteTask
    | FailTask
    | FireTimers
    | PauseExecution
    | ResumeExecution
    | CancelExecution
    | TerminateExecution
    | RetryExecution
)
