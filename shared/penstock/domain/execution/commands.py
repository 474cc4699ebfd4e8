"""What an execution can be asked to do. Commands of callers, results of workers, and due timers alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from penstock.domain.errors import Failure

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000)]
Tags: TypeAlias = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]


class StartExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Create and start. Without a ``version``, the latest active one when the command is decided."""

    definition: Name
    version: Name | None = None
    input: dict[str, Any] = {}
    business_key: Name | None = None
    tags: Tags = ()
    priority: Name = "medium"
    initiated_by: Name = "system"


class ClaimTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worker began an attempt that the engine has to watch. ``token`` is the worker's own, made for this claim."""

    visit: int
    attempt: int
    worker: Name
    token: Name


class HeartbeatTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attempt is alive. Moves its deadline, leaves no event."""

    visit: int
    attempt: int
    token: Name


class CompleteTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    attempt: int
    output: Any = None
    token: Name | None = None
    worker: Name = ""


class FailTask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    attempt: int
    failure: Failure
    token: Name | None = None
    worker: Name = ""


class FireTimers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The clock says that something is due. ``beats`` are the last heartbeats by visit. Never comes from outside."""

    beats: dict[int, datetime] = {}


class PauseExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""
    by: Name = "system"


class ResumeExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: Name = "system"


class CancelExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""
    by: Name = "system"


class TerminateExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""
    by: Name = "system"


class RetryExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Try the failed steps of a failed execution again, with a fresh budget of attempts."""

    by: Name = "system"


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
