"""
The entities that a partition can hold, each with its four verbs, behind one shape that the loop knows.

Its verbs are pure: given the state, the command and the time, they give back events and the state they lead to. Only
``prepare`` touches the world, before a batch is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from penstock.domain.execution.effects import Effect
from penstock.domain.rejected import RejectionCode
from penstock.engine.arrival import Arrival
from penstock.messages.registry import Command, Event

Sender: TypeAlias = Literal["caller", "worker", "engine"]
"""
Who sends a command: a caller, who may repeat it under its id and is remembered for that; a worker, whose results are
told apart by visit and attempt; or the engine itself, exactly once.
"""


class Verbs(Protocol):
    """What one kind of entity does. ``state`` is opaque to the loop; None means "nothing yet"."""

    def accepts(self, subject: str, command: Command) -> bool:
        """Whether the command is one for ``subject``."""
        ...

    def sender(self, subject: str, command: Command) -> Sender: ...

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """Fetch what the decisions on a batch will need."""
        ...

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        """
        Raises:
            Rejected: the command can never succeed in this state.

        """
        ...

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any: ...

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]: ...

    def accepted(self, subject: str, command: Command) -> tuple[Effect, ...]:
        """What it obliges to that ``command`` was accepted, whether it changed anything or was done already."""
        ...

    def refused(self, subject: str, command: Command, code: RejectionCode) -> tuple[Effect, ...]:
        """What the refusal of ``command`` obliges to."""
        ...

    def answers_caller(self, subject: str, event: Event) -> bool:
        """Whether it was a caller's command that caused ``event``, so that the command has to be remembered."""
        ...

    def due_at(self, subject: str, state: Any, beats: dict[int, datetime]) -> datetime | None: ...

    def outcome(self, subject: str, state: Any) -> tuple[str, Any] | None:
        """What an ended entity came to, and its output; None while it lives."""
        ...


class Kind(Verbs, Protocol):
    """The entities on one input topic."""

    def root(self, subject: str) -> str:
        """The record key of ``subject``: everything with one root shares a partition."""
        ...

    def encode(self, state: Any) -> bytes:
        """The same history gives the same bytes: the order of keys is that in which the events set them."""
        ...

    def decode(self, value: bytes) -> Any: ...
