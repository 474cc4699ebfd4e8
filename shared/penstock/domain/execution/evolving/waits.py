"""What the events of waits and locks make of a state."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.execution import events as e
from penstock.domain.execution.evolving.visits import entered, left, passing, visit_of, without
from penstock.domain.execution.places import HistoryBroken, assigned
from penstock.domain.execution.state import Execution, HeldLock, Listening, OpenTimer, Queued, Waits


def apply_wait(state: Execution, event: e.WaitEvent) -> Execution:
    match event:
        case e.TimerStarted(visit=visit, step=step, scope=scope, due_at=due):
            return entered(state, visit, OpenTimer(step=step, scope=scope, due_at=due), event.consumed)
        case e.TimerFired():
            return _fired(state, event)
        case e.MessageSent() | e.SignalSent():
            return passing(state, event.visit, event.scope, event.consumed, event.taken)
        case e.ListeningStarted(visit=visit, step=step, scope=scope):
            return entered(state, visit, Listening(step=step, scope=scope), event.consumed)
        case e.WaitsOpened():
            return _opened(state, event)
        case e.WaitConfirmed():
            return _confirmed(state, event)
        case e.WaitsClosed(visit=visit):
            return replace(state, waits=without(state.waits, visit))
        case e.MessageReceived() | e.SignalReceived():
            return _received(state, event)
        case _:
            assert_never(event)


def apply_lock(state: Execution, event: e.LockEvent) -> Execution:
    match event:
        case e.LockRequested(visit=visit, step=step, scope=scope):
            after = entered(state, visit, Queued(step=step, scope=scope), event.consumed)
            request = event.request or 0
            held = HeldLock(lock=event.lock, shared=event.shared, request=request)
            number = max(after.next_visit, request + 1)
            return replace(after, locks={**after.locks, visit: held}, next_visit=number)
        case e.LockGranted():
            return _granted(state, event)
        case e.LockFreed(visit=visit):
            return replace(state, locks=without(state.locks, visit))
        case _:
            assert_never(event)


def _opened(state: Execution, event: e.WaitsOpened) -> Execution:
    earlier = state.waits.get(event.visit, Waits())
    waits = replace(
        earlier,
        sources={**earlier.sources, **{wait.option: wait.source for wait in event.waits}},
        timers={**earlier.timers, **event.timers},
        again=earlier.again or event.again,
    )
    return replace(state, waits={**state.waits, event.visit: waits})


def _confirmed(state: Execution, event: e.WaitConfirmed) -> Execution:
    waits = state.waits[event.visit]
    confirmed = replace(waits, confirmed=(*waits.confirmed, event.option))
    return replace(state, waits={**state.waits, event.visit: confirmed})


def _received(state: Execution, event: e.MessageReceived | e.SignalReceived) -> Execution:
    scope = visit_of(state, event.visit).scope
    after = left(served(state, event.visit, event.option), event.visit, event.taken)
    return assigned(after, scope, event.set)


def _fired(state: Execution, event: e.TimerFired) -> Execution:
    scope = visit_of(state, event.visit).scope
    before = state if event.option is None else served(state, event.visit, event.option)
    return assigned(left(before, event.visit, event.taken), scope, event.set)


def _granted(state: Execution, event: e.LockGranted) -> Execution:
    held = state.locks.get(event.visit)
    if held is None:
        raise HistoryBroken(f"expected visit {event.visit} to have asked for its lock, but it has not")
    return replace(state, locks={**state.locks, event.visit: replace(held, granted=True, fence=event.fence)})


def served(state: Execution, number: int, option: int) -> Execution:
    """The wait ``option`` is over: its mailbox has forgotten it, its moment has passed."""
    waits = state.waits.get(number)
    if waits is None or (option not in waits.sources and option not in waits.timers):
        return state
    rest = Waits(
        sources={o: s for o, s in waits.sources.items() if o != option or waits.again},
        confirmed=tuple(o for o in waits.confirmed if o != option),
        timers={o: t for o, t in waits.timers.items() if o != option},
        again=waits.again,
    )
    return replace(state, waits={**state.waits, number: rest})
