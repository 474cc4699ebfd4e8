"""What an execution can be asked to do. Commands of callers, results of workers, and due timers alike."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec

from penstock.domain.errors import Failure
from penstock.domain.mailbox.message import Message

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000)]
Tags: TypeAlias = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]


class StartExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Create and start. Without a ``version``, the latest active one when the command is decided. ``depth`` is how many
    executions called one another to come here.
    """

    definition: Name
    version: Name | None = None
    input: dict[str, Any] = {}
    business_key: Name | None = None
    tags: Tags = ()
    priority: Name = "medium"
    initiated_by: Name = "system"
    depth: int = 0


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


class _Steering(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person asks for. ``expected``: refuse it unless the execution has one of these public statuses."""

    by: Name = "system"
    expected: Tags = ()


class PauseExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""


class ResumeExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    pass


class CancelExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""


class TerminateExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    reason: Text = ""


class RetryExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Try the failed steps of a failed execution again, with a fresh budget of attempts."""


class CancelStep(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Withdraw the open visits of ``step`` (or the one ``visit``): each fails with STEP_CANCELLED."""

    step: Name
    visit: int | None = None
    reason: Text = ""


class CompleteStep(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Complete the open or failed visits of ``step`` by hand, as a worker would have done with ``output``."""

    step: Name
    visit: int | None = None
    output: Any = None


class SkipStep(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Leave the open or failed visits of ``step`` without an output."""

    step: Name
    visit: int | None = None
    reason: Text = ""


class RerunStep(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Withdraw everything beside ``step`` in its scope, and enter it again."""

    step: Name
    reason: Text = ""


class SetVariables(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    values: dict[str, Any]


class AddTask(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Offer a task that the definition does not know; its output is kept as ``steps.<name>``."""

    name: Name
    task: Name
    queue: Name = "default"
    input: Any = None


class AddItems(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """More copies for a for-each that has not been left."""

    step: Name
    items: list[Any]


class StartStep(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Start a step that an open one offers (a milestone)."""

    step: Name


class MigrateExecution(_Steering, frozen=True, kw_only=True, omit_defaults=True):
    """Go on by another version of the definition, in which every open step and token has its place."""

    version: Name


class ParkExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was to follow cannot be recorded: the execution fails for it. Never comes from outside."""

    failure: Failure


class CompleteChild(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The execution ``child`` that a visit waits for has come to something. Comes from the engine only."""

    child: Name
    outcome: Literal["completed", "failed", "cancelled", "terminated", "refused"]
    output: Any = None
    failure: Failure | None = None


class ConfirmWait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The mailbox or signal has the wait: from here on it counts as open (decisions 7). Comes from the engine only."""

    visit: int
    option: int


class DeliverMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mailbox gives a message to the wait ``option`` of a visit. If it is refused, the message goes back."""

    visit: int
    option: int
    message: Message


class DeliverSignal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signal was broadcast while the wait ``option`` of a visit was open."""

    visit: int
    option: int
    name: Name
    payload: Any = None


class GrantLock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lock of all executions is the visit's; ``fence`` rises with each grant. If it is refused, it is released."""

    visit: int
    lock: Name
    fence: int


TaskCommand: TypeAlias = ClaimTask | HeartbeatTask | CompleteTask | FailTask
"""Results of workers."""

LifeCommand: TypeAlias = (
    PauseExecution | ResumeExecution | CancelExecution | TerminateExecution | RetryExecution | MigrateExecution
)
"""What people ask of an execution as a whole."""

StepCommand: TypeAlias = (
    CancelStep | CompleteStep | SkipStep | RerunStep | SetVariables | AddTask | AddItems | StartStep
)
"""What people ask of single steps."""

EntityCommand: TypeAlias = ConfirmWait | DeliverMessage | DeliverSignal | GrantLock | CompleteChild
"""What other entities bring."""

ExecutionCommand: TypeAlias = (
    StartExecution | TaskCommand | FireTimers | LifeCommand | StepCommand | EntityCommand | ParkExecution
)

STEERING: Final[tuple[type[msgspec.Struct], ...]] = (*get_args(LifeCommand), *get_args(StepCommand))
"""What people ask of an execution that has begun: all of them are remembered, so that a repetition does nothing."""
