"""The verb ``react`` of locks: what an event obliges them to tell executions."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.commands import GrantLock
from penstock.domain.execution.effects import SendCommand
from penstock.domain.lock import events as e


def react(subject: str, event: e.LockEvent) -> tuple[SendCommand, ...]:
    """What the lock ``subject`` tells others because of ``event``."""
    match event:
        case e.LockAwarded(execution=execution, visit=visit, fence=fence):
            command = GrantLock(visit=visit, lock=subject.removeprefix("lock/"), fence=fence)
            return (SendCommand(subject=execution, command=command),)
        case e.LockQueued() | e.LockUnqueued() | e.LockReleased():
            return ()
        case _:
            assert_never(event)
