"""What the events of steps of every kind make of a state: passed, failed, withdrawn, joined, caught."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.tokens import consumed, placed
from penstock.domain.execution.evolving.visits import closed, entered, passing, undone
from penstock.domain.execution.evolving.waits import served
from penstock.domain.execution.places import assigned
from penstock.domain.execution.state import (
    BackingOff,
    Execution,
    FailedStep,
    OpenCopy,
    OpenEach,
    OpenTask,
    Wave,
)


def apply_step(state: Execution, event: e.StepEvent) -> Execution:
    match event:
        case e.StepPassed():
            return _passed(state, event)
        case e.EscalationRaised():
            return passing(state, event.visit, event.scope, event.consumed, event.taken)
        case e.StepFailed():
            return _failed(state, event)
        case e.StepCancelled():
            return _cancelled(state, event)
        case e.TokensWithdrawn(scope=scope, consumed=used):
            return replace(state, tokens=consumed(state.tokens, scope, used))
        case e.BranchArrived():
            return _arrived(state, event)
        case e.BoundaryTriggered():
            return _caught(state, event)
        case e.StepOffered(scope=scope, taken=taken):
            return replace(state, tokens=placed(state.tokens, scope, taken))
        case e.StepSkipped():
            return _skipped(state, event)
        case e.StepRerun():
            return _rerun(state, event)
        case _:
            assert_never(event)


def _passed(state: Execution, event: e.StepPassed) -> Execution:
    after = passing(state, event.visit, event.scope, event.consumed, event.taken)
    return assigned(after, event.scope, event.set)


def _failed(state: Execution, event: e.StepFailed) -> Execution:
    """A task keeps what its next attempt needs, and its number, which no later one may have."""
    earlier = state.visits.get(event.visit)
    task = earlier if isinstance(earlier, OpenTask | BackingOff | FailedStep) else None
    failed = FailedStep(
        step=event.step,
        scope=event.scope,
        attempt=task.attempt if task is not None else 0,
        input=task.input if task is not None else None,
        failure=event.failure,
        undoes=task.undoes if task is not None else None,
        adhoc=task.adhoc if task is not None else None,
    )
    return entered(closed(state, event.visit), event.visit, failed, event.consumed)


def _cancelled(state: Execution, event: e.StepCancelled) -> Execution:
    visit = state.visits.get(event.visit)
    after = closed(state, event.visit)
    each = after.visits.get(visit.scope) if isinstance(visit, OpenCopy) else None
    if isinstance(visit, OpenCopy) and isinstance(each, OpenEach):
        return replace(after, visits={**after.visits, visit.scope: replace(each, open=each.open - 1)})
    return after


def _skipped(state: Execution, event: e.StepSkipped) -> Execution:
    after = closed(state, event.visit)
    after = assigned(replace(after, tokens=placed(after.tokens, event.scope, event.taken)), event.scope, event.set)
    return after if event.undoes is None else undone(after, event.undoes)


def _rerun(state: Execution, event: e.StepRerun) -> Execution:
    waves = {s: w for s, w in state.waves.items() if s != event.scope}
    return replace(
        state,
        mode="running",
        purge_at=None,
        bites=0,
        deadline=event.deadline,
        waves=waves,
        tokens=placed(state.tokens, event.scope, event.taken),
    )


def _arrived(state: Execution, event: e.BranchArrived) -> Execution:
    tokens = placed(consumed(state.tokens, event.scope, event.consumed), event.scope, event.taken)
    here = dict(state.waves.get(event.scope, {}))
    wave = here.pop(event.step, Wave())
    if not event.ends:
        arrived = (*wave.arrived, *(way for way in event.consumed if way not in wave.arrived))
        here[event.step] = Wave(arrived=arrived, fired=wave.fired or bool(event.taken))
    waves = {s: w for s, w in state.waves.items() if s != event.scope}
    if here:
        waves[event.scope] = here
    return replace(state, tokens=tokens, waves=waves)


def _caught(state: Execution, event: e.BoundaryTriggered) -> Execution:
    after = served(state, event.visit, event.option)
    if event.cancels:
        after = closed(after, event.visit)
    after = replace(after, tokens=placed(after.tokens, event.scope, event.taken))
    return assigned(after, event.scope, event.set)
