"""A kind of entity that needs nothing but its state: its verbs come from the domain as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.execution.effects import Effect
from penstock.domain.rejected import RejectionCode
from penstock.engine.arrival import Arrival
from penstock.engine.kinds import Sender
from penstock.messages.registry import Command, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainKind:
    """
    ``nothing`` is the state before the first event; ``callers`` are those among its ``commands`` that callers send, the
    engine sends the others. ``asked`` tells whether a caller's command caused an event.
    """

    commands: frozenset[type]
    callers: frozenset[type]
    nothing: Any
    decide: Callable[[str, Any, Any, datetime], tuple[Event, ...]]
    apply: Callable[[Any, Any], Any]
    oblige: Callable[[str, Any], tuple[Effect, ...]]
    due: Callable[[Any], datetime | None]
    asked: Callable[[Event], bool]

    def accepts(self, subject: str, command: Command) -> bool:
        return type(command) in self.commands

    def sender(self, subject: str, command: Command) -> Sender:
        return "caller" if type(command) in self.callers else "engine"

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """There is nothing to fetch."""

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        after = state or self.nothing
        events = self.decide(subject, after, command, now)
        for event in events:
            after = self.apply(after, event)
        return events, after

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any:
        return self.apply(state or self.nothing, event)

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        return self.oblige(subject, event)

    def accepted(self, subject: str, command: Command) -> tuple[Effect, ...]:
        return ()

    def refused(self, subject: str, command: Command, code: RejectionCode) -> tuple[Effect, ...]:
        """What such an entity refuses was nobody's to lose."""
        return ()

    def answers_caller(self, subject: str, event: Event) -> bool:
        return self.asked(event)

    def due_at(self, subject: str, state: Any, beats: dict[int, datetime]) -> datetime | None:
        return self.due(state)

    def outcome(self, subject: str, state: Any) -> tuple[str, Any] | None:
        """It never ends: its sequence and its chain go on with the next one who needs it."""
        return None
