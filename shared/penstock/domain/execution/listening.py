"""Decisions about messages, signals and locks that other entities bring to a visit which waits for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, assert_never

from msgspec.structs import replace

from penstock.domain.definition.model import ListenStep
from penstock.domain.errors import StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.boundaries import Events, awaits, triggered
from penstock.domain.execution.names import render
from penstock.domain.execution.places import assigned
from penstock.domain.execution.state import Execution, FailedStep, Queued
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.steps.leaving import Leaving, leave


def decide_wait(
    state: Execution, command: c.ConfirmWait | c.DeliverMessage | c.DeliverSignal | c.GrantLock, at: Moment
) -> Events:
    """
    Raises:
        Rejected: the visit does not wait for it, or not any more; whoever brought it takes it back.

    """
    match command:
        case c.ConfirmWait():
            return _confirm_wait(state, command)
        case c.DeliverMessage():
            return _deliver_message(state, command, at)
        case c.DeliverSignal():
            return _deliver_signal(state, command, at)
        case c.GrantLock():
            return _grant_lock(state, command)
        case _:
            assert_never(command)


def _confirm_wait(state: Execution, command: c.ConfirmWait) -> Events:
    """A wait that was closed meanwhile needs no confirmation: its mailbox is told so already."""
    waits = state.waits.get(command.visit)
    if waits is None or command.option not in waits.sources or command.option in waits.confirmed:
        return ()
    return (e.WaitConfirmed(visit=command.visit, option=command.option),)


def _deliver_message(state: Execution, command: c.DeliverMessage, at: Moment) -> Events:
    """The wait gets its message, or refuses it so that it goes back."""
    _check_waits(state, command.visit, command.option)
    number, option, message = command.visit, command.option, command.message
    said = {"message": message.id, "payload": message.payload}
    if awaits(option):
        events = passed_by(state, number, option, message.payload, at, partial(e.MessageReceived, **said))
    else:
        events = triggered(state, number, option, message.name, at, **said)
    # what could not be worked out has failed the step: the message was not consumed by it
    return tuple(replace(each, returns=message) if isinstance(each, e.StepFailed) else each for each in events)


def _deliver_signal(state: Execution, command: c.DeliverSignal, at: Moment) -> Events:
    _check_waits(state, command.visit, command.option)
    number, option, payload = command.visit, command.option, command.payload
    if not awaits(option):
        return triggered(state, number, option, command.name, at, payload=payload)
    return passed_by(state, number, option, payload, at, partial(e.SignalReceived, name=command.name, payload=payload))


def _grant_lock(state: Execution, command: c.GrantLock) -> Events:
    """The lock is the visit's; where nobody waits for it any more, the refusal gives it back."""
    asked = [(n, held) for n, held in state.locks.items() if (held.request or n) == command.visit and held.shared]
    number, held = asked[0] if asked else (0, None)
    if held is not None and held.granted and held.fence == command.fence:
        return ()
    visit = state.visits.get(number)
    if not isinstance(visit, Queued) or held is None or held.lock != command.lock or held.granted:
        raise Rejected(
            RejectionCode.WAIT_NOT_OPEN,
            f"expected a visit that has asked for the lock {command.lock!r} as {command.visit}, but there is none",
        )
    return (e.LockGranted(visit=number, step=visit.step, lock=command.lock, fence=command.fence),)


def passed_by(
    state: Execution, number: int, option: int, payload: Any, at: Moment, left: Callable[..., e.WaitEvent]
) -> Events:
    """A listening visit is ``left`` (which makes the event) by the option that came, or fails where that cannot be."""
    visit = state.visits[number]
    step = _listening(visit.step, at)
    try:
        changed, leaving = option_taken(state, visit.scope, step, option, payload, at)
    except StepFailure as error:
        return (e.StepFailed(visit=number, step=step.id, scope=visit.scope, failure=error.failure),)
    taken, evaluations = leaving
    return (left(visit=number, step=step.id, option=option, set=changed, taken=taken, evaluations=evaluations),)


def option_taken(
    state: Execution, scope: int, step: ListenStep, number: int, payload: Any, at: Moment
) -> tuple[dict[str, Any], Leaving]:
    """
    The variables that an event of a listening step sets, and the way out that belongs to it.

    Raises:
        StepFailure: they cannot be worked out.

    """
    option = step.options[number]
    names = at.names(state, scope, output=payload)
    changed = {name: render(value, names, step.id) for name, value in (option.set or {}).items()}
    if option.exit is not None:
        return changed, Leaving((option.exit.id,) if option.exit.target else (), ())
    return changed, leave(step, at.names(assigned(state, scope, changed), scope, output=payload))


def _check_waits(state: Execution, visit: int, option: int) -> None:
    waits = state.waits.get(visit)
    open_visit = state.visits.get(visit)
    if waits is None or option not in waits.sources or open_visit is None or isinstance(open_visit, FailedStep):
        raise Rejected(
            RejectionCode.WAIT_NOT_OPEN, f"expected visit {visit} to wait for this, but it does not, or not any more"
        )


def _listening(step_id: str, at: Moment) -> ListenStep:
    step = at.definition.graph.steps[step_id]
    if not isinstance(step, ListenStep):
        raise TypeError(f"expected step {step_id!r} to listen, but it is {type(step).__name__}")
    return step
