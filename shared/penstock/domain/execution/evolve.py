"""
The verb ``evolve``: what an event makes of a state. It looks at nothing but the event (decisions 8), never refuses,
and its meaning for a released event never changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.bodies import apply_body
from penstock.domain.execution.evolving.steps import apply_step
from penstock.domain.execution.evolving.tasks import apply_task
from penstock.domain.execution.evolving.tokens import placed
from penstock.domain.execution.evolving.waits import apply_lock, apply_wait
from penstock.domain.execution.places import HistoryBroken, assigned
from penstock.domain.execution.state import Ended, Execution, ExecutionState, NotStarted, Origin


def evolve(state: ExecutionState, event: e.ExecutionEvent, at: datetime) -> ExecutionState:
    """The state after ``event``, which was recorded ``at``."""
    if isinstance(event, e.ExecutionStarted):
        return _started(event, at)
    if not isinstance(state, Execution):
        raise HistoryBroken(
            f"expected an open execution before {type(event).__name__}, but it is {type(state).__name__}"
        )
    after = _apply(state, event, at)
    if state.unfinished and isinstance(after, Execution) and not isinstance(event, e.BiteTaken):
        after = replace(after, unfinished=False)
    if event.status is not None and isinstance(after, Execution):
        return replace(after, status=event.status)
    return after


def _apply(state: Execution, event: e.ExecutionEvent, at: datetime) -> ExecutionState:
    """By families, what happens most often first; each has its own match."""
    if isinstance(event, e.TaskEvent):
        return apply_task(state, event, at)
    if isinstance(event, e.LifeEvent):
        return _apply_life(state, event)
    if isinstance(event, e.StepEvent):
        return apply_step(state, event)
    if isinstance(event, e.BodyEvent):
        return apply_body(state, event)
    if isinstance(event, e.WaitEvent):
        return apply_wait(state, event)
    return apply_lock(state, event)


def _apply_life(state: Execution, event: e.LifeEvent) -> ExecutionState:
    match event:
        case e.ExecutionCompleted(output=output):
            return Ended(outcome="completed", output=output)
        case e.ExecutionCancelled():
            return Ended(outcome="cancelled")
        case e.ExecutionTerminated():
            return Ended(outcome="terminated")
        case e.ExecutionPaused():
            return replace(state, mode="paused")
        case e.ExecutionResumed():
            return replace(state, mode="running")
        case e.ExecutionFailed(purge_at=purge_at):
            return replace(state, mode="failed", purge_at=purge_at)
        case e.ExecutionRetried(deadline=deadline):
            # the failed visits stay as they are: the events that follow enter each of them again
            return replace(state, mode="running", purge_at=None, bites=0, deadline=deadline)
        case e.BiteTaken():
            return replace(state, bites=state.bites + 1, unfinished=True)
        case e.VariablesSet(set=values):
            return assigned(state, 0, values)
        case e.ExecutionMigrated(version=version, digest=digest):
            return replace(state, origin=replace(state.origin, version=version, digest=digest))
        case e.ExecutionStarted():
            return state
        case _:
            assert_never(event)


def fold(events: Iterable[tuple[e.ExecutionEvent, datetime]]) -> ExecutionState:
    """The state that a history leads to."""
    state: ExecutionState = NotStarted()
    for event, at in events:
        state = evolve(state, event, at)
    return state


def _started(event: e.ExecutionStarted, at: datetime) -> Execution:
    origin = Origin(
        definition=event.definition,
        version=event.version,
        digest=event.digest,
        started_at=at,
        business_key=event.business_key,
        initiated_by=event.initiated_by,
        depth=event.depth,
    )
    variables = {**event.variables, **event.input}
    return Execution(origin=origin, variables=variables, tokens=placed({}, 0, event.taken), deadline=event.deadline)
