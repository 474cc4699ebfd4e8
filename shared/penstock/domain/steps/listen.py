"""The listening step, and what every open step waits for beside its own end: messages, signals, moments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from penstock.domain.definition.model import Event, ListenStep, RouteStep, Step, TaskStep
from penstock.domain.execution.events import ListeningStarted, Wait, WaitsOpened
from penstock.domain.execution.names import Names, moment, render, seconds, tick
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.route import text_key
from penstock.domain.subjects import mailbox_of, signal_of

TIMEOUT: Final = 999
"""The option that is the time-out of a visit."""

CATCHES: Final = 1000
"""The options from here on are the catches of a step, in their order."""


def enter(step: ListenStep, entry: Entry) -> ListeningStarted:
    return ListeningStarted(visit=entry.visit, step=step.id, scope=entry.scope, consumed=entry.consumed)


def listens(step: Step) -> bool:
    """Whether an open visit of ``step`` waits for anything beside its own end."""
    if step.catches or isinstance(step, ListenStep):
        return True
    return step.timeout is not None and not isinstance(step, TaskStep | RouteStep)


def waits_of(step: Step, visit: int, now: datetime, names: Names) -> WaitsOpened | None:
    """
    What a visit of ``step`` waits for; None if it is nothing but its own end.

    Raises:
        StepFailure: a key or a moment cannot be worked out.

    """
    waits: list[Wait] = []
    timers: dict[int, datetime] = {}
    for option, event in _events(step):
        if event.kind == "timer":
            timers[option] = _due(event, now, names, step.id)
        elif event.kind == "signal":
            waits.append(Wait(option=option, source=signal_of(event.name)))
        else:
            key = text_key(render(event.key, names, step.id), step.id)
            waits.append(Wait(option=option, source=mailbox_of(event.name, key)))
    if step.timeout is not None and not isinstance(step, TaskStep | RouteStep):
        timers[TIMEOUT] = now + seconds(step.timeout, names, step.id)
    if not (waits or timers):
        return None
    return WaitsOpened(visit=visit, step=step.id, waits=tuple(waits), timers=timers)


def _events(step: Step) -> Iterator[tuple[int, Event]]:
    if isinstance(step, ListenStep):
        yield from ((number, option.event) for number, option in enumerate(step.options))
    for number, catch in enumerate(step.catches):
        if catch.event is not None:
            yield CATCHES + number, catch.event


def _due(event: Event, now: datetime, names: Names, step: str) -> datetime:
    if event.cron is not None:
        return tick(event.cron, event.timezone, now, step)
    if event.until is not None:
        return moment(str(render(event.until, names, step)), step)
    return now + seconds(event.after or 0.0, names, step)
