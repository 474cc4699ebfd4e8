"""The verb ``decide`` of signals: a broadcast reaches everybody who waits, in bounded bites."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final, assert_never

from penstock.domain.execution.commands import FireTimers
from penstock.domain.payloads import checked_size
from penstock.domain.signal import events as e
from penstock.domain.signal.commands import BroadcastSignal, SignalCommand
from penstock.domain.signal.state import Shelves, Signal, holds
from penstock.domain.waits import CloseWait, OpenWait, WaitClosed, WaitOpened, wait_of

MAX_DELIVERIES: Final = 500
"""Of one event."""
MAX_BYTES: Final = 1 << 20
"""Of what one decision has to tell executions (decisions 10); the rest goes on in the next one."""
OVERHEAD: Final = 500
"""Bytes that are told beside the payload, about."""


def decide(state: Signal, command: SignalCommand) -> tuple[e.SignalEvent, ...]:
    """
    The events that ``command`` causes; none when it was done already.

    Raises:
        Rejected: the payload can not be handed on.

    """
    match command:
        case BroadcastSignal(payload=payload, by=by):
            checked_size(payload)
            waiting = sum(map(len, state.waits.values()))
            given = e.SignalBroadcast(waits=waiting, payload=payload, by=by)
            return (given,) if state.broadcasts else (given, *_bites(state.waits, payload))
        case OpenWait():
            wait = wait_of(command)
            if holds(state.waits, wait):
                return ()
            return (WaitOpened(execution=wait.execution, visit=wait.visit, option=wait.option),)
        case CloseWait():
            wait = wait_of(command)
            if not holds(state.waits, wait):
                return ()
            return (WaitClosed(execution=wait.execution, visit=wait.visit, option=wait.option),)
        case FireTimers():
            return _next(state)
        case _:
            assert_never(command)


def _next(state: Signal) -> tuple[e.SignalEvent, ...]:
    """The earliest broadcast goes on."""
    if not state.broadcasts:
        return ()
    first = state.broadcasts[0]
    return tuple(_bites(first.waits, first.payload))


def _bites(shelves: Shelves, payload: Any) -> Iterator[e.SignalDelivered]:
    waits = chain.from_iterable(shelf.values() for shelf in shelves.values())
    left = max(1, MAX_BYTES // (checked_size(payload) + OVERHEAD))
    while left > 0 and (bite := tuple(islice(waits, min(MAX_DELIVERIES, left)))):
        yield e.SignalDelivered(waits=bite, payload=payload)
        left -= len(bite)
