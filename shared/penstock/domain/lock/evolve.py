"""The verb ``evolve`` of locks: what an event makes of one. Never refuses."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.lock import events as e
from penstock.domain.lock.state import Claimant, Lock


def evolve(state: Lock, event: e.LockEvent) -> Lock:
    """The lock after ``event``."""
    claimant = Claimant(execution=event.execution, visit=event.visit)
    match event:
        case e.LockQueued():
            return replace(state, queue={**state.queue, claimant.key: claimant})
        case e.LockUnqueued():
            return replace(state, queue=_without(state, claimant))
        case e.LockAwarded(fence=fence):
            return replace(state, fence=fence, holder=claimant, queue=_without(state, claimant))
        case e.LockReleased():
            return replace(state, holder=None)
        case _:
            assert_never(event)


def _without(state: Lock, claimant: Claimant) -> dict[str, Claimant]:
    return {key: other for key, other in state.queue.items() if key != claimant.key}
