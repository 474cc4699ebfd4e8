"""What executions wait for and send: timers, messages, signals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from penstock.domain.execution.happened import Evaluation, Happened


class TimerStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    due_at: datetime


class TimerFired(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A moment came; ``option`` is the one of a step that listens for several events."""

    visit: int
    step: str
    option: int | None = None
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class MessageSent(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """To the mailbox of ``name`` and ``key``, where it is kept for ``keep`` seconds (None: as long as is usual)."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    name: str
    key: str
    payload: Any = None
    keep: float | None = None
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class SignalSent(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    name: str
    payload: Any = None
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class ListeningStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A step waits for the first of its events; which they are is in the ``waits_opened`` that follows."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()


class Wait(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``option`` is the number of the wait within its visit, ``source`` the mailbox or signal that has it."""

    option: int
    source: str


class WaitsOpened(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a visit waits for beside its own end: messages and signals, and moments by option.

    ``again``: it waited before it failed, so that what was given to its earlier waits may still be on its way.
    """

    visit: int
    step: str
    waits: tuple[Wait, ...] = ()
    timers: dict[int, datetime] = {}
    again: bool = False


class WaitConfirmed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """The mailbox or signal has the wait."""

    visit: int
    option: int


class WaitsClosed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """The visit was left; the mailboxes and signals forget the waits that are left over."""

    visit: int
    waits: tuple[Wait, ...] = ()


class MessageReceived(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """The message ``message`` was consumed by the wait ``option``, and the visit is left."""

    visit: int
    step: str
    option: int
    message: str
    payload: Any = None
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class SignalReceived(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    option: int
    name: str
    payload: Any = None
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


WaitEvent: TypeAlias = (
    TimerStarted
    | TimerFired
    | MessageSent
    | SignalSent
    | ListeningStarted
    | WaitsOpened
    | WaitConfirmed
    | WaitsClosed
    | MessageReceived
    | SignalReceived
)
