"""The wait step: a timer that the engine keeps."""

from __future__ import annotations

from penstock.domain.definition.model import WaitStep
from penstock.domain.execution.events import TimerStarted
from penstock.domain.execution.names import moment, render, seconds, tick
from penstock.domain.steps.entry import Entry


def enter(step: WaitStep, entry: Entry) -> TimerStarted:
    """
    The timer; a moment that has passed already is due at once.

    Raises:
        StepFailure: the duration or the moment cannot be worked out.

    """
    if step.cron is not None:
        due_at = tick(step.cron, step.timezone, entry.now, step.id)
    elif step.until is not None:
        due_at = moment(str(render(step.until, entry.names, step.id)), step.id)
    else:
        due_at = entry.now + seconds(step.duration or 0.0, entry.names, step.id)
    return TimerStarted(visit=entry.visit, step=step.id, scope=entry.scope, consumed=entry.consumed, due_at=due_at)
