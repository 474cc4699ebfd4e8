"""Waits of executions for what others send: opened and closed at a mailbox or a signal, which both know them alike."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from penstock.domain.execution.commands import ConfirmWait
from penstock.domain.execution.effects import SendCommand

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]


class Wait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Alternative ``option`` of a visit waits. A visit waits once in its life, so this tells all waits apart."""

    execution: str
    visit: int
    option: int

    @property
    def key(self) -> str:
        return f"{self.execution}/{self.visit}/{self.option}"


class OpenWait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution wants the next message, or the next broadcast. Comes from the engine only."""

    execution: Name
    visit: int
    option: int


class CloseWait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution waits no longer. Comes from the engine only."""

    execution: Name
    visit: int
    option: int


class WaitOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From here on the wait counts: what is sent now reaches it."""

    execution: str
    visit: int
    option: int


class WaitClosed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    execution: str
    visit: int
    option: int


def wait_of(said: OpenWait | CloseWait | WaitOpened | WaitClosed) -> Wait:
    """The wait that a command or an event is about."""
    return Wait(execution=said.execution, visit=said.visit, option=said.option)


def confirmed(event: WaitOpened) -> SendCommand:
    """Tell the execution that its wait counts."""
    return SendCommand(subject=event.execution, command=ConfirmWait(visit=event.visit, option=event.option))
