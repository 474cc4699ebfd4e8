"""Which events say that a step was entered, left, withdrawn or failed: what the stories count and compare."""

from __future__ import annotations

from typing import Final, Literal

from penstock.domain.execution import events as e

Mark = Literal["scheduled", "completed", "cancelled", "failed"]

MARKS: Final[dict[Mark, tuple[type, ...]]] = {
    "scheduled": (
        e.TaskScheduled,
        e.TimerStarted,
        e.ListeningStarted,
        e.BlockStarted,
        e.EachStarted,
        e.ChildStarted,
        e.ChildDetached,
        e.CompensationStarted,
        e.StepPassed,
        e.MessageSent,
        e.SignalSent,
        e.EscalationRaised,
    ),
    "completed": (
        e.TaskCompleted,
        e.TimerFired,
        e.MessageReceived,
        e.SignalReceived,
        e.BlockCompleted,
        e.EachCompleted,
        e.ChildCompleted,
        e.ChildDetached,
        e.CompensationCompleted,
        e.StepPassed,
        e.MessageSent,
        e.SignalSent,
        e.EscalationRaised,
        e.StepSkipped,
    ),
    "cancelled": (e.StepCancelled,),
    "failed": (e.TaskFailed, e.StepFailed, e.ChildFailed),
}
"""A loop is ``scheduled`` once for each round; steps that take no time are scheduled and completed by one event."""

ENDS: Final[dict[str, type]] = {
    "completed": e.ExecutionCompleted,
    "cancelled": e.ExecutionCancelled,
    "terminated": e.ExecutionTerminated,
}
