"""The wait step: a timer that the engine keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.domain.definition.model import WaitStep
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.events import TimerStarted
from penstock.domain.execution.names import render, seconds
from penstock.domain.steps.entry import Entry


def enter(step: WaitStep, entry: Entry) -> TimerStarted:
    """
    The timer; a moment that has passed already is due at once.

    Raises:
        StepFailure: the duration or the moment cannot be worked out.

    """
    if step.until is not None:
        due_at = _moment(str(render(step.until, entry.names, step.id)), step.id)
    else:
        due_at = entry.now + seconds(step.duration or 0.0, entry.names, step.id)
    return TimerStarted(visit=entry.visit, step=step.id, scope=entry.scope, consumed=entry.consumed, due_at=due_at)


def _moment(text: str, step: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise StepFailure(
            ErrorCode.EXPRESSION_FAILED, f"step {step!r}: expected an ISO 8601 date-time, but got {text[:60]!r}"
        ) from error
