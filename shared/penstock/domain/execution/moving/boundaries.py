"""What catches of steps make of failures, escalations, moments, messages and signals (``docs/semantics.md`` §8)."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from penstock.domain.definition.model import Catch
from penstock.domain.errors import ErrorCode, Failure, StepFailure, defective, kind_of_failure
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.names import render
from penstock.domain.execution.places import enclosing
from penstock.domain.execution.state import Compensating, Execution, FailedStep, OpenChild, OpenCopy, OpenEach, OpenTask
from penstock.domain.execution.withdrawal import cancelled, withdrawn_inside
from penstock.domain.steps.listen import CATCHES, TIMEOUT, waits_of

Events: TypeAlias = tuple[e.ExecutionEvent, ...]


def caught(state: Execution, number: int, at: Moment) -> Events:
    """
    What the nearest fitting catch makes of the failed visit ``number``; nothing where there is none.

    A copy that is not needed any more ends without effect however it ends. A catch whose own ``set`` cannot be worked
    out fails the step that it belongs to, and nothing catches that there.
    """
    failed = state.visits.get(number)
    if not isinstance(failed, FailedStep):
        return ()
    failure, beyond = failed.failure, 0
    if failed.undoes is None and failed.adhoc is None:
        places = [(number, failed), *enclosing(state, failed.scope)]
    else:
        places = list(enclosing(state, failed.scope))
    for place, visit in places:
        if isinstance(visit, Compensating):
            return ()
        if isinstance(visit, OpenCopy):
            each = state.visits[visit.scope]
            if isinstance(each, OpenEach) and each.closed:
                return let_go(state, place, "enough copies")
            continue
        found = _matching(at, visit.step, "error", failure)
        if found is None or beyond == place:
            continue
        option, catch = found
        try:
            changed = _set(state, visit.scope, catch, at, error=_seen(failure))
        except StepFailure as error:
            failure, beyond = error.failure, place
            continue
        return (
            *let_go(state, place, failure.code),
            e.BoundaryTriggered(
                visit=place,
                step=visit.step,
                scope=visit.scope,
                option=CATCHES + option,
                cause=failure.code,
                set=changed,
                taken=_taken(catch),
            ),
        )
    return ()


def escalated(state: Execution, scope: int, escalation: Failure, at: Moment) -> Events:
    """What the nearest composite that catches the escalation makes of it."""
    for place, visit in enclosing(state, scope):
        found = None if isinstance(visit, OpenCopy) else _matching(at, visit.step, "escalation", escalation)
        if found is not None:
            option, _ = found
            return triggered(state, place, CATCHES + option, escalation.code, at, error=msgspec.to_builtins(escalation))
    return ()


def triggered(
    state: Execution,
    number: int,
    option: int,
    cause: str,
    at: Moment,
    *,
    payload: Any = None,
    message: str | None = None,
    **names: Any,
) -> Events:
    """The catch ``option`` of the open visit ``number`` takes what came: the visit is withdrawn, or goes on."""
    visit = state.visits[number]
    catch = at.definition.graph.steps[visit.step].catches[option - CATCHES]
    try:
        changed = _set(state, visit.scope, catch, at, output=payload, **names)
    except StepFailure as error:
        return failed_as_a_whole(state, number, error.failure)
    withdrawing: Events = let_go(state, number, cause) if catch.cancel else ()
    boundary = e.BoundaryTriggered(
        visit=number,
        step=visit.step,
        scope=visit.scope,
        option=option,
        cause=cause,
        message=message,
        payload=payload,
        cancels=catch.cancel,
        set=changed,
        taken=_taken(catch),
    )
    return (*withdrawing, boundary, *_listen_again(state, number, option, catch, at))


def timed_out(state: Execution, number: int, at: Moment) -> Events:
    """The time-out of a visit is over."""
    step = state.visits[number].step
    message = f"expected step {step!r} to end within its `timeout`"
    return failed_as_a_whole(state, number, Failure(code=ErrorCode.STEP_TIMED_OUT, message=message, retryable=False))


def failed_as_a_whole(state: Execution, number: int, failure: Failure, by: str | None = None) -> Events:
    """The visit fails, with everything in it withdrawn; ``by`` hand, where somebody asked for it."""
    visit = state.visits[number]
    called = isinstance(visit, OpenChild | FailedStep) and visit.child is not None
    child = (cancelled(state, number, failure.code),) if called else ()
    failed = e.StepFailed(
        visit=number,
        step=visit.step,
        attempt=visit.attempt if isinstance(visit, OpenTask) else 0,
        scope=visit.scope,
        failure=failure,
        by=by,
    )
    return (*withdrawn_inside(state, number, failure.code), *child, failed)


def let_go(state: Execution, number: int, reason: str) -> Events:
    """What is in the visit is withdrawn, and the visit itself, unless its failure has ended it anyway."""
    visit = state.visits[number]
    over = isinstance(visit, FailedStep) and visit.child is None
    return withdrawn_inside(state, number, reason, itself=not over)


def opened(state: Execution, number: int, at: Moment, *, again: bool = False) -> Events:
    """What the visit ``number``, which was just entered, waits for beside its own end; ``again`` after it failed."""
    visit = state.visits[number]
    step = at.definition.graph.steps[visit.step]
    try:
        waits = waits_of(step, number, at.now, at.names(state, visit.scope))
    except StepFailure as error:
        return failed_as_a_whole(state, number, error.failure)
    return () if waits is None else (replace(waits, again=again),)


def _listen_again(state: Execution, number: int, option: int, catch: Catch, at: Moment) -> Events:
    """A message that does not withdraw the step can come again; a moment is over, and a signal goes on listening."""
    waits = state.waits.get(number)
    source = waits.sources.get(option) if waits is not None else None
    if catch.cancel or source is None:
        return ()
    visit = state.visits[number]
    return (e.WaitsOpened(visit=number, step=visit.step, waits=(e.Wait(option=option, source=source),)),)


def _matching(at: Moment, step_id: str, kind: str, thrown: Failure) -> tuple[int, Catch] | None:
    step = at.definition.graph.steps.get(step_id)
    for number, catch in enumerate(step.catches if step is not None else ()):
        if catch.kind == kind and _fits(catch, thrown):
            return number, catch
    return None


def _fits(catch: Catch, thrown: Failure) -> bool:
    if catch.codes and thrown.code not in catch.codes:
        return False
    return not catch.classes or kind_of_failure(thrown) in catch.classes


def _seen(failure: Failure) -> dict[str, Any]:
    """``failure`` as a catch's ``set`` sees it; there is always a class to ask for, null where it has none."""
    return {**msgspec.to_builtins(replace(failure, kind=None)), "class": kind_of_failure(failure)}


def _set(state: Execution, scope: int, catch: Catch, at: Moment, **names: Any) -> dict[str, Any]:
    known = at.names(state, scope, **names)
    return {name: render(value, known, "catch") for name, value in (catch.set or {}).items()}


def _taken(catch: Catch) -> tuple[str, ...]:
    return (catch.exit.id,) if catch.exit.target else ()


def awaits(option: int) -> bool:
    """Whether the option belongs to a listening step itself, not to a catch or a time-out."""
    return option < TIMEOUT


def unreachable(state: Execution, at: Moment) -> Failure:
    """Tokens wait at joins, and nothing that could reach them is under way."""
    waiting = sorted(
        {at.definition.target(t) for lying_here in state.tokens.values() for t in lying_here}
        | {step for here in state.waves.values() for step, wave in here.items() if not wave.fired}
    )
    message = (
        f"expected the joins {', '.join(waiting)} to be reached on every way in, but nothing is under way any more"
    )
    return defective(ErrorCode.JOIN_UNREACHABLE, message)
