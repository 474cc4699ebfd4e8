"""The verb ``react`` of operations: what an event obliges them to ask of executions."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.effects import SendCommand
from penstock.domain.operation import events as e
from penstock.domain.operation.orders import order


def react(subject: str, event: e.OperationEvent) -> tuple[SendCommand, ...]:
    """What the operation ``subject`` asks of others because of ``event``. They see by whom, and so answer."""
    match event:
        case e.OperationAdvanced(targets=targets):
            command = order(event.action, event.arguments, event.expected, subject)
            return tuple(SendCommand(subject=target, command=command) for target in targets)
        case (
            e.OperationStarted()
            | e.TargetsAdded()
            | e.TargetAccepted()
            | e.TargetRefused()
            | e.OperationPaused()
            | e.OperationResumed()
            | e.OperationCancelled()
            | e.OperationCompleted()
        ):
            return ()
        case _:
            assert_never(event)
