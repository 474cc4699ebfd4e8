"""The step types: what happens when a token enters each."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.definition.model import (
    BlockStep,
    CompensateStep,
    EachStep,
    ListenStep,
    RouteStep,
    Step,
    TaskStep,
    WaitStep,
    WorkflowStep,
)
from penstock.domain.errors import StepFailure
from penstock.domain.execution.events import ExecutionEvent, StepFailed
from penstock.domain.steps import block, compensate, each, listen, route, task, wait, workflow
from penstock.domain.steps.entry import Entry


def enter(step: Step, entry: Entry) -> tuple[ExecutionEvent, ...]:
    """The events by which a token enters ``step``, which may be that the step failed."""
    try:
        return _enter(step, entry)
    except StepFailure as error:
        return (
            StepFailed(
                visit=entry.visit, step=step.id, scope=entry.scope, consumed=entry.consumed, failure=error.failure
            ),
        )


def _enter(step: Step, entry: Entry) -> tuple[ExecutionEvent, ...]:
    match step:
        case TaskStep():
            return (task.enter(step, entry),)
        case RouteStep():
            return (route.enter(step, entry),)
        case WaitStep():
            return (wait.enter(step, entry),)
        case ListenStep():
            return (listen.enter(step, entry),)
        case BlockStep():
            return (block.enter(step, entry),)
        case EachStep():
            return each.enter(step, entry)
        case WorkflowStep():
            return (workflow.enter(step, entry),)
        case CompensateStep():
            return (compensate.enter(step, entry),)
        case _:
            assert_never(step)
