"""The sub-workflow: another execution, waited for or let go."""

from __future__ import annotations

from typing import Any, Final

from penstock.domain.definition.model import WorkflowStep
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.events import ChildDetached, ChildStarted
from penstock.domain.execution.names import render
from penstock.domain.ids import derived_id
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import leave
from penstock.domain.subjects import child_of

MAX_DEPTH: Final = 20


def enter(step: WorkflowStep, entry: Entry) -> ChildStarted | ChildDetached:
    """
    The child's id follows from its parent's and the next number there, so that a replay starts the same one, and a
    visit that is entered again starts another.

    Raises:
        StepFailure: the input cannot be worked out, or the calls are too deep.

    """
    depth = entry.state.origin.depth + 1
    if depth > MAX_DEPTH:
        raise StepFailure(
            ErrorCode.DEPTH_LIMIT, f"step {step.id!r}: expected at most {MAX_DEPTH} executions within one another"
        )
    payload = entry.variables if step.input is None else render(step.input, entry.names, step.id)
    if not isinstance(payload, dict):
        raise StepFailure(
            ErrorCode.EXPRESSION_FAILED,
            f"step {step.id!r}: expected the input to be an object, but got {payload!r:.60}",
        )
    version = None if step.version is None else str(render(step.version, entry.names, step.id))
    if step.waits:
        return ChildStarted(
            visit=entry.visit,
            step=step.id,
            scope=entry.scope,
            consumed=entry.consumed,
            child=child_of(entry.execution_id, entry.state.next_visit),
            definition=step.workflow,
            version=version,
            input=payload,
            depth=depth,
        )
    return _detached(step, entry, version, payload, depth)


def _detached(
    step: WorkflowStep, entry: Entry, version: str | None, payload: dict[str, Any], depth: int
) -> ChildDetached:
    taken, evaluations = leave(step, entry.names)
    return ChildDetached(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        child=derived_id(entry.now, f"{entry.execution_id}/{entry.visit}"),
        definition=step.workflow,
        version=version,
        input=payload,
        depth=depth,
        taken=taken,
        evaluations=evaluations,
    )
