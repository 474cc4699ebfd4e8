"""The verb ``evolve`` of operations: what an event makes of one. Never refuses."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.operation import events as e
from penstock.domain.operation.state import Operation


def evolve(state: Operation, event: e.OperationEvent) -> Operation:
    """The operation after ``event``."""
    match event:
        case e.OperationStarted(targets=targets):
            return Operation(
                stage="running",
                action=event.action,
                arguments=event.arguments,
                expected=event.expected,
                total=event.total,
                received=len(targets),
                left=targets,
            )
        case e.TargetsAdded(targets=targets):
            return replace(state, left=(*state.left, *targets), received=state.received + len(targets))
        case e.OperationAdvanced(targets=targets, sent=sent):
            waiting = {**state.waiting, **dict.fromkeys(targets)}
            return replace(state, left=state.left[len(targets) :], waiting=waiting, sent=sent)
        case e.TargetAccepted(execution=execution, accepted=accepted):
            return replace(state, waiting=_without(state, execution), accepted=accepted)
        case e.TargetRefused(execution=execution, refused=refused):
            return replace(state, waiting=_without(state, execution), refused=refused)
        case e.OperationPaused():
            return replace(state, stage="paused")
        case e.OperationResumed():
            return replace(state, stage="running")
        case e.OperationCancelled():
            return replace(state, stage="cancelled", left=(), arguments={})
        case e.OperationCompleted():
            return replace(state, stage="completed", arguments={})
        case _:
            assert_never(event)


def _without(state: Operation, execution: str) -> dict[str, None]:
    return {target: None for target in state.waiting if target != execution}
