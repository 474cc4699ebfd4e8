"""The verb ``react`` of signals: what an event obliges them to tell executions."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.execution.commands import DeliverSignal
from penstock.domain.execution.effects import SendCommand
from penstock.domain.signal import events as e
from penstock.domain.waits import WaitClosed, WaitOpened, confirmed


def react(subject: str, event: e.SignalEvent) -> tuple[SendCommand, ...]:
    """What the signal ``subject`` tells others because of ``event``."""
    match event:
        case e.SignalDelivered(waits=waits, payload=payload):
            name = subject.removeprefix("signal/")
            return tuple(
                SendCommand(
                    subject=wait.execution,
                    command=DeliverSignal(visit=wait.visit, option=wait.option, name=name, payload=payload),
                )
                for wait in waits
            )
        case WaitOpened():
            return (confirmed(event),)
        case e.SignalBroadcast() | WaitClosed():
            return ()
        case _:
            assert_never(event)
