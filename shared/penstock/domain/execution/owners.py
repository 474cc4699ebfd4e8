"""
Who makes an execution go on: for everything that waits, there has to be somebody or something that ends the wait.

An execution that rests without an owner of its wait would rest for ever. There must be none, whatever has happened; the
tests of the domain say so of every state, and ``penstock doctor`` looks for one all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, assert_never

from penstock.domain.execution.state import (
    BackingOff,
    Compensating,
    Execution,
    FailedStep,
    HeldLock,
    Listening,
    OpenBlock,
    OpenChild,
    OpenCopy,
    OpenEach,
    OpenTask,
    OpenTimer,
    Queued,
    Visit,
    visit_dues,
)

PATIENCE: Final = timedelta(minutes=1)
"""In which a mailbox or a signal confirms a wait, if engines run at all."""


class Unowned(NamedTuple):
    """A wait that nobody will end. ``visit`` 0 is the execution itself."""

    visit: int
    step: str
    reason: str


def unowned(state: Execution, now: datetime, opened: Mapping[int, datetime] | None = None) -> tuple[Unowned, ...]:
    """
    What of an execution at rest has no owner; nothing, if all is well.

    ``opened`` says when the waits of a visit were opened, where that is known: a wait that is not yet confirmed has an
    owner for a minute.
    """
    found = [
        Unowned(number, visit.step, reason)
        for number, visit in state.visits.items()
        if (reason := _of_visit(state, number, visit))
    ]
    found += [
        Unowned(number, _step(state, number), f"its wait for {source} is not confirmed for more than {PATIENCE}")
        for number, waits in state.waits.items()
        for option, source in waits.sources.items()
        if option not in waits.confirmed and now - (opened or {}).get(number, now) > PATIENCE
    ]
    return (*_of_execution(state), *found)


def _of_execution(state: Execution) -> tuple[Unowned, ...]:
    match state.mode:
        case "paused":  # whoever resumes it
            return ()
        case "failed" if state.purge_at is None:
            return (Unowned(0, "", "it is failed, and nothing says when it is to be purged"),)
        case "running" if not state.visits and not state.unfinished:
            return (Unowned(0, "", "nothing is open in it, but it has not ended"),)
        case _:
            return ()


def _of_visit(state: Execution, number: int, visit: Visit) -> str:
    """Why a visit would wait for ever; empty, if it does not."""
    # who resumes or retries it, or the clock that takes the next bite, lets everything move
    moves = state.mode == "running" and not state.unfinished
    match visit:
        case OpenTask():
            is_watched = any(True for _ in visit_dues(number, visit, {}))
            return "" if is_watched or not moves else "its claim neither expires nor has a heartbeat"
        case BackingOff() | OpenTimer():
            return ""  # they say when they are due
        case Listening():
            waits = state.waits.get(number)
            return "" if waits and (waits.sources or waits.timers) else "it listens for nothing"
        case OpenBlock() | OpenCopy() | Compensating():
            return "" if not moves or _holds_anything(state, number) else "nothing is open in it"
        case OpenEach():
            to_come = visit.cursor < visit.total and not visit.closed
            return "" if not moves or _holds_anything(state, number) or to_come else "none of its copies is open"
        case OpenChild(child=child):
            return "" if child else "it waits for an execution without an id"
        case Queued():
            return _of_queued(state, number, moves=moves)
        case FailedStep():
            return "it failed, but the execution goes on as if it had not" if moves else ""
        case _:
            assert_never(visit)


def _of_queued(state: Execution, number: int, *, moves: bool) -> str:
    held = state.locks.get(number)
    if held is None:
        return "it waits for a lock, but has asked for none"
    if held.granted:
        return "it has its lock, but has not begun" if moves else ""
    if held.shared or not moves:
        return ""  # the lock itself has its queue
    return "" if _is_held(state, held) else f"it waits for the lock {held.lock}, which nobody holds"


def _is_held(state: Execution, wanted: HeldLock) -> bool:
    return any(held.granted and not held.shared and held.lock == wanted.lock for held in state.locks.values())


def _holds_anything(state: Execution, number: int) -> bool:
    """Whether something is open in a scope, or tokens wait there at a join."""
    is_open = any(visit.scope == number for visit in state.visits.values())
    return is_open or bool(state.tokens.get(number)) or bool(state.waves.get(number))


def _step(state: Execution, number: int) -> str:
    visit = state.visits.get(number)
    return visit.step if visit is not None else ""
