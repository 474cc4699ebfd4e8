"""
What has happened to an execution. Stored for ever; ``evolve`` needs nothing else.

Tokens ride in the fields: ``taken`` are the transitions on which an event puts a token, ``consumed`` those from which
it takes one, both in ``scope`` (0 is the execution itself). ``status`` stands on the event that changed the public
status. The id of the execution is the envelope's ``subject``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from penstock.domain.errors import Failure
from penstock.domain.execution.body_events import (
    BlockCompleted,
    BlockStarted,
    BodyEvent,
    ChildCompleted,
    ChildDetached,
    ChildFailed,
    ChildStarted,
    CompensationCompleted,
    CompensationStarted,
    CopyCompleted,
    CopyStarted,
    EachCompleted,
    EachLeft,
    EachStarted,
    ItemsAdded,
)
from penstock.domain.execution.happened import (
    Evaluation,
    Happened,
    Status,
)
from penstock.domain.execution.step_events import (
    BoundaryTriggered,
    BranchArrived,
    EscalationRaised,
    LockEvent,
    LockFreed,
    LockGranted,
    LockRequested,
    StepCancelled,
    StepEvent,
    StepFailed,
    StepOffered,
    StepPassed,
    StepRerun,
    StepSkipped,
    TokensWithdrawn,
)
from penstock.domain.execution.task_events import (
    TaskClaimed,
    TaskCompleted,
    TaskEvent,
    TaskFailed,
    TaskScheduled,
    Undoing,
)
from penstock.domain.execution.wait_events import (
    ListeningStarted,
    MessageReceived,
    MessageSent,
    SignalReceived,
    SignalSent,
    TimerFired,
    TimerStarted,
    Wait,
    WaitConfirmed,
    WaitEvent,
    WaitsClosed,
    WaitsOpened,
)

__all__ = [
    "BiteTaken",
    "BlockCompleted",
    "BlockStarted",
    "BodyEvent",
    "BoundaryTriggered",
    "BranchArrived",
    "ChildCompleted",
    "ChildDetached",
    "ChildFailed",
    "ChildStarted",
    "CompensationCompleted",
    "CompensationStarted",
    "CopyCompleted",
    "CopyStarted",
    "EachCompleted",
    "EachLeft",
    "EachStarted",
    "EscalationRaised",
    "Evaluation",
    "ExecutionCancelled",
    "ExecutionCompleted",
    "ExecutionEvent",
    "ExecutionFailed",
    "ExecutionMigrated",
    "ExecutionPaused",
    "ExecutionResumed",
    "ExecutionRetried",
    "ExecutionStarted",
    "ExecutionTerminated",
    "ItemsAdded",
    "LifeEvent",
    "ListeningStarted",
    "LockEvent",
    "LockFreed",
    "LockGranted",
    "LockRequested",
    "MessageReceived",
    "MessageSent",
    "SignalReceived",
    "SignalSent",
    "Status",
    "StepCancelled",
    "StepEvent",
    "StepFailed",
    "StepOffered",
    "StepPassed",
    "StepRerun",
    "StepSkipped",
    "TaskClaimed",
    "TaskCompleted",
    "TaskEvent",
    "TaskFailed",
    "TaskScheduled",
    "TimerFired",
    "TimerStarted",
    "TokensWithdrawn",
    "Undoing",
    "VariablesSet",
    "Wait",
    "WaitConfirmed",
    "WaitEvent",
    "WaitsClosed",
    "WaitsOpened",
]


class ExecutionStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
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
    depth: int = 0


class ExecutionPaused(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """``children`` are the executions that it waits for: they are paused with it."""

    reason: str = ""
    by: str = "system"
    children: tuple[str, ...] = ()


class ExecutionResumed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"
    children: tuple[str, ...] = ()


class ExecutionFailed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Parked, not ended: it can be retried until ``purge_at``, then it is terminated."""

    failure: Failure
    step: str | None = None
    visit: int | None = None
    purge_at: datetime


class ExecutionRetried(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """The failed visits are tried again, each with a fresh budget of attempts."""

    visits: tuple[int, ...] = ()
    deadline: datetime | None = None
    by: str = "system"


class BiteTaken(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """One decision was enough for now; the clock brings the execution back at once (a decision is bounded)."""


class VariablesSet(Happened, frozen=True, kw_only=True, omit_defaults=True):
    set: dict[str, Any]
    by: str = "system"


class ExecutionMigrated(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """It goes on by another version of its definition."""

    version: str
    digest: str
    by: str = "system"


class ExecutionCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    output: Any = None


class ExecutionCancelled(Happened, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


class ExecutionTerminated(Happened, frozen=True, kw_only=True, omit_defaults=True):
    reason: str = ""
    by: str = "system"


LifeEvent: TypeAlias = (
    ExecutionStarted
    | ExecutionPaused
    | ExecutionResumed
    | ExecutionFailed
    | ExecutionRetried
    | BiteTaken
    | VariablesSet
    | ExecutionMigrated
    | ExecutionCompleted
    | ExecutionCancelled
    | ExecutionTerminated
)
ExecutionEvent: TypeAlias = TaskEvent | StepEvent | LockEvent | WaitEvent | BodyEvent | LifeEvent
