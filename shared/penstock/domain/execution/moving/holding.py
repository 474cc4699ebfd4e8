"""What visits hold beside themselves: waits at mailboxes and signals, and locks. It goes when they do."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.execution.moving.boundaries import Events
from penstock.domain.execution.state import Execution, FailedStep, Queued
from penstock.domain.execution.withdrawal import freed, open_waits


def given_back(state: Execution) -> Events:
    """The waits of visits that are gone or have failed; the locks of those that are gone or failed in line."""
    closing = [
        e.WaitsClosed(visit=number, waits=open_waits(waits))
        for number, waits in state.waits.items()
        if isinstance(state.visits.get(number), FailedStep | None)
    ]
    freeing = [
        freed(number, held)
        for number, held in state.locks.items()
        if number not in state.visits or (not held.granted and isinstance(state.visits[number], FailedStep))
    ]
    return (*closing, *freeing)


def granted_here(state: Execution) -> Events:
    """The locks of this execution that are free go to those who asked first."""
    taken = {held.lock for held in state.locks.values() if held.granted and not held.shared}
    granted: list[e.ExecutionEvent] = []
    for number, held in sorted(state.locks.items()):
        visit = state.visits.get(number)
        if held.shared or held.granted or held.lock in taken or not isinstance(visit, Queued):
            continue
        taken.add(held.lock)
        granted.append(e.LockGranted(visit=number, step=visit.step, lock=held.lock))
    return tuple(granted)
