"""
The entities that a partition can hold, each with its four verbs, behind one shape that the loop knows.

Its verbs are pure: given the state, the command and the time, they give back events and the state they lead to. Only
``prepare`` touches the world, before a batch is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from penstock.domain.execution.effects import Effect
from penstock.engine.arrival import Arrival
from penstock.messages.registry import Command, Event


class Kind(Protocol):
    """The verbs of the entities on one input topic. ``state`` is opaque to the loop; None means "nothing yet"."""

    def accepts(self, command: Command) -> bool:
        """Whether the command is one for entities of this kind."""
        ...

    def root(self, subject: str) -> str:
        """The record key of ``subject``: everything with one root shares a partition."""
        ...

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

    def due_at(self, state: Any, beats: dict[int, datetime]) -> datetime | None: ...

    def outcome(self, state: Any) -> tuple[str, Any] | None:
        """What an ended entity came to, and its output; None while it lives."""
        ...

    def encode(self, state: Any) -> bytes:
        """The same history gives the same bytes: the order of keys is that in which the events set them."""
        ...

    def decode(self, value: bytes) -> Any: ...
