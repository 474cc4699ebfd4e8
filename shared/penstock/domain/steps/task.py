"""The task step: work for a worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from penstock.domain.definition.model import TaskStep
from penstock.domain.execution.events import TaskScheduled
from penstock.domain.execution.names import Names, render, seconds
from penstock.domain.steps.entry import Entry

SHORT = 10.0
"""Seconds. A task that may take longer is claimed by its worker and watched by the engine (decisions 17)."""


def enter(step: TaskStep, entry: Entry) -> TaskScheduled:
    """
    The first attempt.

    Raises:
        StepFailure: the input or a time limit cannot be worked out.

    """
    payload = entry.variables if step.input is None else render(step.input, entry.names, step.id)
    return schedule(step, entry, payload, attempt=1)


def schedule(
    step: TaskStep, entry: Entry, payload: Any, attempt: int, *, undoes: int | None = None, adhoc: str | None = None
) -> TaskScheduled:
    """An attempt with the input ``payload``, which is the same for every attempt of a visit."""
    timeout = time_limit(step, entry.names)
    within: timedelta | None = None
    if step.start_within is not None:
        within = seconds(step.start_within, entry.names, step.id)
    return TaskScheduled(
        visit=entry.visit,
        step=step.id,
        attempt=attempt,
        scope=entry.scope,
        consumed=entry.consumed,
        task=step.task,
        queue=step.queue,
        input=payload,
        timeout=timeout,
        heartbeat=step.heartbeat,
        claim=timeout is None or timeout > SHORT or step.heartbeat is not None or within is not None,
        start_by=entry.now + within if within is not None else None,
        undoes=undoes,
        adhoc=adhoc,
    )


def time_limit(step: TaskStep, names: Names) -> float | None:
    """Seconds from the start of an attempt to its end; None where heartbeats alone show that it lives."""
    if step.timeout is None:
        return SHORT if step.heartbeat is None else None
    return seconds(step.timeout, names, step.id).total_seconds()
