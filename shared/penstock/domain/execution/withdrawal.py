"""How open steps are withdrawn: the latest first, so that the deepest goes before what it is in."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.execution.places import inside
from penstock.domain.execution.state import Execution, FailedStep, OpenChild, OpenTask, Waits


def withdrawn(state: Execution, reason: str, *, force: bool = False) -> tuple[e.ExecutionEvent, ...]:
    """Everything that is open, and all that it waits for and holds: for an execution that ends by order."""
    closing = [e.WaitsClosed(visit=number, waits=open_waits(waits)) for number, waits in state.waits.items()]
    freeing = [e.LockFreed(visit=number, lock=held.lock, shared=held.shared) for number, held in state.locks.items()]
    return (*withdrawn_inside(state, 0, reason, force=force), *closing, *freeing)


def withdrawn_inside(
    state: Execution, number: int, reason: str, *, itself: bool = False, force: bool = False
) -> tuple[e.StepCancelled, ...]:
    """The open visits in the scope of ``number``, then the visit ``itself`` where that is wanted."""
    numbers = [*inside(state, number), *([number] if itself else [])]
    return tuple(cancelled(state, each, reason, force=force) for each in numbers)


def cancelled(state: Execution, number: int, reason: str, *, force: bool = False) -> e.StepCancelled:
    visit = state.visits[number]
    return e.StepCancelled(
        visit=number,
        step=visit.step,
        attempt=visit.attempt if isinstance(visit, OpenTask) else 0,
        reason=reason,
        child=visit.child if isinstance(visit, OpenChild | FailedStep) else None,
        force=force or isinstance(visit, FailedStep),
    )


def open_waits(waits: Waits) -> tuple[e.Wait, ...]:
    return tuple(e.Wait(option=option, source=source) for option, source in waits.sources.items())
