"""
Executions that do as their input says, beside the real mailboxes, signals and locks: what those owe to executions can
be seen without a definition that waits.

``wants`` are the subjects that an execution asks at its start; with ``takes`` false it refuses what it is given. What
it took, and what a caller told it, stands in the reasons of its pauses; ``release SUBJECT`` and ``close SUBJECT`` are
done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import Effect, SendCommand
from penstock.domain.lock.commands import AcquireLock, ReleaseLock
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.subjects import kind_of
from penstock.domain.waits import CloseWait, OpenWait
from penstock.engine.by_kind import ByKind
from penstock.engine.owner import Owner, Pace
from penstock.engine.wiring import ENTITIES
from penstock.log.port import Log
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Command, Event
from penstock.runtime.clock import Clock, system_clock


class Scripted(ByKind):
    def __init__(self) -> None:
        super().__init__(None)

    async def prepare(self, arrivals: object) -> None:
        """No definition is needed."""

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        if kind_of(subject) != "execution":
            return super().turn(subject, state, command, now)
        event = _decide(state, command)
        return (event,), self.evolve(subject, state, event, now)

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        match event:
            case e.ExecutionStarted(input=said):
                return tuple(_ask(subject, wanted) for wanted in said.get("wants", ()))
            case e.ExecutionPaused(reason=reason):
                verb, _, about = reason.partition(" ")
                return (_let_go(subject, about),) if verb in ("release", "close") else ()
            case _:
                return super().react(subject, event)


def _decide(state: Any, command: Command) -> Event:
    match command:
        case c.StartExecution(input=said):
            return e.ExecutionStarted(definition="d", version="1.0.0", digest="", variables=said, input=said)
        case c.PauseExecution(reason=reason):
            return e.ExecutionPaused(reason=reason)
        case _ if state is None:
            raise Rejected(RejectionCode.EXECUTION_UNKNOWN, "expected an execution, but nobody has started it")
        case c.ConfirmWait():
            return e.ExecutionPaused(reason="confirmed")
        case _ if not state.variables.get("takes", True):
            raise Rejected(RejectionCode.WAIT_NOT_OPEN, "expected a wait, but this execution takes nothing")
        case c.DeliverMessage(message=message):
            return e.ExecutionPaused(reason=f"message {message.id}")
        case c.DeliverSignal(name=name, payload=payload):
            return e.ExecutionPaused(reason=f"signal {name} {payload}")
        case c.GrantLock(lock=lock, fence=fence):
            return e.ExecutionPaused(reason=f"lock {lock} {fence}")
        case _:
            raise AssertionError(f"expected a command of the script, but got {command}")


def _ask(execution: str, wanted: str) -> SendCommand:
    if kind_of(wanted) == "lock":
        return SendCommand(subject=wanted, command=AcquireLock(execution=execution, visit=1))
    return SendCommand(subject=wanted, command=OpenWait(execution=execution, visit=1, option=0))


def _let_go(execution: str, subject: str) -> SendCommand:
    if kind_of(subject) == "lock":
        return SendCommand(subject=subject, command=ReleaseLock(execution=execution, visit=1))
    return SendCommand(subject=subject, command=CloseWait(execution=execution, visit=1, option=0))


def took(history: Sequence[Recorded[Event]]) -> list[str]:
    """What an execution was given, or told, in order."""
    return [recorded.event.reason for recorded in history if isinstance(recorded.event, e.ExecutionPaused)]


@asynccontextmanager
async def owners(
    log: Log, partitions: int, pace: Pace | None = None, clock: Clock = system_clock
) -> AsyncIterator[list[Owner]]:
    """An owner of each partition, at work until the block ends; what makes one fall fails the test."""

    def owner(partition: int) -> Owner:
        pace_ = pace or Pace()
        return Owner(log, ENTITIES, partition, partitions, Scripted, name="o", clock=clock, pace=pace_)

    serving = [owner(partition) for partition in range(partitions)]
    tasks = [asyncio.create_task(owner.run()) for owner in serving]
    try:
        yield serving
    finally:
        for owner_ in serving:
            owner_.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
