"""The verb ``decide`` of operations: everybody is asked once, in bounded bites, and every answer is counted."""

from __future__ import annotations

from typing import Final, assert_never

from penstock.domain.execution.commands import FireTimers
from penstock.domain.operation import commands as c
from penstock.domain.operation import events as e
from penstock.domain.operation.evolve import evolve
from penstock.domain.operation.orders import order
from penstock.domain.operation.state import BITE, Operation, is_over, may_advance
from penstock.domain.payloads import checked_size
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.starts import ReportOutcome

MAX_BYTES: Final = 1 << 20
"""Of the commands of one decision (decisions 10)."""
OVERHEAD: Final = 500
"""Bytes of a command beside its arguments, about."""

Events = tuple[e.OperationEvent, ...]


def decide(state: Operation, command: c.OperationCommand, subject: str) -> Events:
    """
    The events that ``command`` to the operation ``subject`` causes; none when it was done already.

    Raises:
        Rejected: there is no such operation, or nobody could do what it asks.

    """
    match command:
        case c.StartOperation():
            return _finished(state, _start(state, command, subject))
        case c.AddTargets():
            return _add(_begun(state, subject), command)
        case c.PauseOperation(by=by):
            return (e.OperationPaused(by=by),) if _open(state, subject).stage == "running" else ()
        case c.ResumeOperation(by=by):
            return (e.OperationResumed(by=by),) if _open(state, subject).stage == "paused" else ()
        case c.CancelOperation(reason=reason, by=by):
            return _cancel(_begun(state, subject), reason, by)
        case ReportOutcome():
            return _finished(state, _count(state, command))
        case FireTimers():
            return _advance(state)
        case _:
            assert_never(command)


def _start(state: Operation, command: c.StartOperation, subject: str) -> Events:
    if state.stage != "never":
        return ()
    total = len(command.targets) if command.total is None else command.total
    if not len(command.targets) <= total <= c.MAX_TARGETS:
        raise _invalid(f"expected at most {c.MAX_TARGETS:,} targets, and none beyond the total, but got {total:,}")
    _check_targets(command.targets)
    checked_size(command.arguments)
    order(command.action, command.arguments, command.expected, subject)
    started = e.OperationStarted(
        action=command.action,
        arguments=command.arguments,
        targets=command.targets,
        total=total,
        expected=command.expected,
        by=command.by,
    )
    return (started,)


def _add(state: Operation, command: c.AddTargets) -> Events:
    if state.stage in ("cancelled", "completed") or command.start < state.received:
        return ()
    _check_targets(command.targets)
    if command.start > state.received or command.start + len(command.targets) > state.total:
        raise _invalid(
            f"expected targets from number {state.received:,} to {state.total:,}, but got "
            f"{len(command.targets):,} from number {command.start:,}"
        )
    return (e.TargetsAdded(targets=command.targets),) if command.targets else ()


def _cancel(state: Operation, reason: str, by: str) -> Events:
    if state.stage in ("cancelled", "completed"):
        return ()
    return (e.OperationCancelled(skipped=state.total - state.sent, reason=reason, by=by),)


def _count(state: Operation, report: ReportOutcome) -> Events:
    if report.execution not in state.waiting:
        return ()
    if report.code:
        return (e.TargetRefused(execution=report.execution, code=report.code, refused=state.refused + 1),)
    return (e.TargetAccepted(execution=report.execution, accepted=state.accepted + 1),)


def _advance(state: Operation) -> Events:
    if not may_advance(state):
        return ()
    size = checked_size(state.arguments) + OVERHEAD
    targets = state.left[: max(1, min(BITE, MAX_BYTES // size))]
    advanced = e.OperationAdvanced(
        sent=state.sent + len(targets),
        targets=targets,
        action=state.action,
        arguments=state.arguments,
        expected=state.expected,
    )
    return (advanced,)


def _finished(state: Operation, events: Events) -> Events:
    """With the end, where this was the last answer."""
    after = state
    for event in events:
        after = evolve(after, event)
    if not events or after.stage == "cancelled" or not is_over(after):
        return events
    return (*events, e.OperationCompleted(accepted=after.accepted, refused=after.refused))


def _check_targets(targets: tuple[str, ...]) -> None:
    if len(set(targets)) < len(targets) or not all(targets):
        raise _invalid("expected each execution once, but one comes twice, or has no id")
    for target in targets:
        if "/" in target:
            raise _invalid(f"expected the ids of executions, but got {target!r:.60}")


def _begun(state: Operation, subject: str) -> Operation:
    if state.stage == "never":
        detail = f"expected the operation {subject!r}, but nobody has started it"
        raise Rejected(RejectionCode.OPERATION_UNKNOWN, detail)
    return state


def _open(state: Operation, subject: str) -> Operation:
    if _begun(state, subject).stage in ("cancelled", "completed"):
        detail = f"expected an open operation, but {subject} is {state.stage}"
        raise Rejected(RejectionCode.INVALID_STATE_TRANSITION, detail)
    return state


def _invalid(sentence: str) -> Rejected:
    return Rejected(RejectionCode.INPUT_INVALID, sentence)
