"""The verb ``evolve`` of signals: what an event makes of one. Never refuses."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from penstock.domain.signal import events as e
from penstock.domain.signal.state import Broadcast, Signal, added, removed
from penstock.domain.waits import Wait, WaitClosed, WaitOpened, wait_of


def evolve(state: Signal, event: e.SignalEvent) -> Signal:
    """The signal after ``event``."""
    match event:
        case e.SignalBroadcast(payload=payload):
            if not state.waits:
                return state
            given = Broadcast(payload=payload, waits=state.waits)
            return replace(state, waits={}, broadcasts=(*state.broadcasts, given))
        case e.SignalDelivered(waits=waits):
            return _delivered(state, waits)
        case WaitOpened():
            return replace(state, waits=added(state.waits, wait_of(event)))
        case WaitClosed():
            return replace(state, waits=removed(state.waits, wait_of(event)))
        case _:
            assert_never(event)


def _delivered(state: Signal, waits: tuple[Wait, ...]) -> Signal:
    first, *rest = state.broadcasts
    left = removed(first.waits, *waits)
    return replace(state, broadcasts=(replace(first, waits=left), *rest) if left else tuple(rest))
