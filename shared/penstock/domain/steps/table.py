"""The step types: what happens when a token enters each."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.definition.model import RouteStep, Step, TaskStep, WaitStep
from penstock.domain.errors import StepFailure
from penstock.domain.execution.events import ExecutionEvent, StepFailed
from penstock.domain.steps import route, task, wait
from penstock.domain.steps.entry import Entry


def enter(step: Step, entry: Entry) -> ExecutionEvent:
    """The event by which a token enters ``step``, which may be that the step failed."""
    try:
        match step:
            case TaskStep():
                return task.enter(step, entry)
            case WaitStep():
                return wait.enter(step, entry)
            case RouteStep():
                return route.enter(step, entry)
            case _:
                assert_never(step)
    except StepFailure as error:
        return StepFailed(
            visit=entry.visit, step=step.id, scope=entry.scope, consumed=entry.consumed, failure=error.failure
        )
