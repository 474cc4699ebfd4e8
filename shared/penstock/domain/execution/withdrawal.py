"""How open steps are withdrawn: the latest first, so that the deepest goes before what it is in."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.execution.places import inside
from penstock.domain.execution.state import Execution, FailedStep, HeldLock, OpenChild, OpenTask, Waits


def withdrawn(state: Execution, reason: str, *, force: bool = False) -> tuple[e.ExecutionEvent, ...]:
    """All that is open, with what it waits for and holds, and the tokens: for an execution that ends by order."""
    closing = [e.WaitsClosed(visit=number, waits=open_waits(waits)) for number, waits in state.waits.items()]
    freeing = [freed(number, held) for number, held in state.locks.items()]
    # those of inner scopes go with the visits that they are in
    return (*withdrawn_inside(state, 0, reason, force=force), *tokens_withdrawn(state, 0), *closing, *freeing)


def tokens_withdrawn(state: Execution, scope: int) -> tuple[e.ExecutionEvent, ...]:
    """All tokens of a scope."""
    lying = tuple(t for t, count in state.tokens.get(scope, {}).items() for _ in range(count))
    return (e.TokensWithdrawn(scope=scope, consumed=lying),) if lying else ()


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


def freed(number: int, held: HeldLock) -> e.LockFreed:
    return e.LockFreed(visit=number, lock=held.lock, shared=held.shared, request=held.request or None)
