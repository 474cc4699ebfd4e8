"""Executions as a kind of entity: the domain's turn, with the definition that each execution has pinned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, get_args

import msgspec

from penstock.domain.definition.model import Definition, Graph
from penstock.domain.execution import commands as c
from penstock.domain.execution.effects import Effect
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.react import react
from penstock.domain.execution.state import Ended, Execution, ExecutionState, NotStarted, due_at
from penstock.domain.execution.turn import turn
from penstock.engine.arrival import Arrival
from penstock.messages.registry import Command, Event

_COMMANDS = frozenset(get_args(c.ExecutionCommand))
_NOTHING = NotStarted()
_NO_DEFINITION = Definition(Graph(id="", version="", start=(), steps={}), "")
"""For commands that are going to be refused whatever the definition says."""


class PublishedDefinitions(Protocol):
    """Where definitions come from."""

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """Learn of what the starts among ``arrivals`` name."""
        ...

    def resolve(self, definition: str, version: str | None) -> Definition:
        """For a start: ``version``, or the latest active one. Raises Rejected."""
        ...

    def pinned(self, definition: str, version: str) -> Definition:
        """For what already runs, an inactive version as well. Raises Rejected."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Execution).decode


class Executions:
    """With ``published`` None they can be replayed, not decided."""

    def __init__(self, published: PublishedDefinitions | None) -> None:
        self._published = published

    @property
    def _definitions(self) -> PublishedDefinitions:
        if self._published is None:
            raise TypeError("expected a replay to need no definition: events carry every change (decisions 8)")
        return self._published

    def accepts(self, command: Command) -> bool:
        return type(command) in _COMMANDS

    def root(self, subject: str) -> str:
        return subject.partition(":")[0]

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        await self._definitions.prepare(arrivals)

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        assert isinstance(command, c.ExecutionCommand)
        before: ExecutionState = state or _NOTHING
        after = turn(subject, before, command, self._definition(before, command), now)
        return after.events, after.state

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any:
        return evolve(state or _NOTHING, event, at)  # type: ignore[arg-type] # the log holds only its events here

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        return react(subject, event)  # type: ignore[arg-type]

    def due_at(self, state: Any, beats: dict[int, datetime]) -> datetime | None:
        return due_at(state, beats)

    def outcome(self, state: Any) -> tuple[str, Any] | None:
        return (state.outcome, state.output) if isinstance(state, Ended) else None

    def encode(self, state: Any) -> bytes:
        return _encode(state)

    def decode(self, value: bytes) -> Any:
        return _decode(value)

    def _definition(self, state: ExecutionState, command: c.ExecutionCommand) -> Definition:
        if isinstance(state, Execution):
            return self._definitions.pinned(state.origin.definition, state.origin.version)
        if isinstance(command, c.StartExecution) and isinstance(state, NotStarted):
            return self._definitions.resolve(command.definition, command.version)
        return _NO_DEFINITION
