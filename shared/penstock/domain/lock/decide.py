"""The verb ``decide`` of locks: first asked, first served, and each award has a higher number."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.commands import FireTimers
from penstock.domain.lock import events as e
from penstock.domain.lock.commands import AcquireLock, LockCommand, ReleaseLock
from penstock.domain.lock.state import Claimant, Lock


def decide(state: Lock, command: LockCommand) -> tuple[e.LockEvent, ...]:
    """The events that ``command`` causes; none when it was done already, or has nothing to do with the lock."""
    match command:
        case AcquireLock(execution=execution, visit=visit):
            return _acquire(state, Claimant(execution=execution, visit=visit))
        case ReleaseLock(execution=execution, visit=visit):
            return _release(state, Claimant(execution=execution, visit=visit))
        case FireTimers():
            return ()
        case _:
            assert_never(command)


def _acquire(state: Lock, claimant: Claimant) -> tuple[e.LockEvent, ...]:
    if state.holder is None:
        return (_awarded(state, claimant),)
    if claimant == state.holder or claimant.key in state.queue:
        return ()
    return (e.LockQueued(execution=claimant.execution, visit=claimant.visit),)


def _release(state: Lock, claimant: Claimant) -> tuple[e.LockEvent, ...]:
    if claimant == state.holder:
        released = e.LockReleased(execution=claimant.execution, visit=claimant.visit)
        waiting = next(iter(state.queue.values()), None)
        return (released,) if waiting is None else (released, _awarded(state, waiting))
    if claimant.key in state.queue:
        return (e.LockUnqueued(execution=claimant.execution, visit=claimant.visit),)
    return ()


def _awarded(state: Lock, claimant: Claimant) -> e.LockAwarded:
    return e.LockAwarded(execution=claimant.execution, visit=claimant.visit, fence=state.fence + 1)
