"""Executions as a kind of entity: the domain's turn, with the definition that each execution has pinned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, get_args

from penstock.domain.definition.model import Definition, Graph
from penstock.domain.execution import commands as c
from penstock.domain.execution.effects import Effect
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.react import react
from penstock.domain.execution.refused import refused
from penstock.domain.execution.state import Ended, Execution, ExecutionState, NotStarted, due_at
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.starts import reported
from penstock.engine.arrival import Arrival
from penstock.engine.kinds import Sender
from penstock.messages.registry import Command, Event

_COMMANDS = frozenset(get_args(c.ExecutionCommand))
_RESULTS = (c.ClaimTask, c.HeartbeatTask, c.CompleteTask, c.FailTask)
_FROM_CALLERS: tuple[type, ...] = (c.StartExecution, *c.STEERING)
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

    def on_message(self, name: str) -> Sequence[Definition]:
        """The definitions that messages of ``name`` start, each in its latest active version."""
        ...

    def has_queue(self, queue: str) -> bool:
        """Whether a published definition made its topic; a task offered to one without would halt the partition."""
        ...


class Executions:
    """With ``published`` None they can be replayed, not decided."""

    def __init__(self, published: PublishedDefinitions | None) -> None:
        self._published = published

    @property
    def _definitions(self) -> PublishedDefinitions:
        if self._published is None:
            raise TypeError("expected a replay to need no definition: events carry every change (decisions 8)")
        return self._published

    def accepts(self, subject: str, command: Command) -> bool:
        return type(command) in _COMMANDS

    def sender(self, subject: str, command: Command) -> Sender:
        if isinstance(command, _RESULTS):
            return "worker"
        return "caller" if isinstance(command, _FROM_CALLERS) else "engine"

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        await self._definitions.prepare(arrivals)

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        assert isinstance(command, c.ExecutionCommand)
        before: ExecutionState = state or _NOTHING
        if isinstance(command, c.AddTask) and not self._definitions.has_queue(command.queue):
            detail = f"expected a queue that a published definition uses or declares, but got {command.queue!r}"
            raise Rejected(RejectionCode.QUEUE_MISSING, detail)
        definition, target = self._definition(before, command), self._target(before, command)
        after = turn(subject, before, command, definition, now, target)
        return after.events, after.state

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any:
        return evolve(state or _NOTHING, event, at)  # type: ignore[arg-type] # the log holds only its events here

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        return react(subject, event)  # type: ignore[arg-type]

    def accepted(self, subject: str, command: Command) -> tuple[Effect, ...]:
        return reported(subject, command)

    def refused(self, subject: str, command: Command, code: RejectionCode) -> tuple[Effect, ...]:
        return (*refused(subject, command, code), *reported(subject, command, code))

    def answers_caller(self, subject: str, event: Event) -> bool:
        """An event that says by whom was asked for."""
        return getattr(event, "by", None) is not None or getattr(event, "adhoc", None) is not None

    def due_at(self, subject: str, state: Any, beats: dict[int, datetime]) -> datetime | None:
        return due_at(state, beats)

    def outcome(self, subject: str, state: Any) -> tuple[str, Any] | None:
        return (state.outcome, state.output) if isinstance(state, Ended) else None

    def _definition(self, state: ExecutionState, command: c.ExecutionCommand) -> Definition:
        if isinstance(state, Execution):
            return self._definitions.pinned(state.origin.definition, state.origin.version)
        if isinstance(command, c.StartExecution) and isinstance(state, NotStarted):
            return self._definitions.resolve(command.definition, command.version)
        return _NO_DEFINITION

    def _target(self, state: ExecutionState, command: c.ExecutionCommand) -> Definition | None:
        """Where a migration goes to; None where there is no such version, which the decision says by name."""
        if not isinstance(command, c.MigrateExecution) or not isinstance(state, Execution):
            return None
        try:
            return self._definitions.pinned(state.origin.definition, command.version)
        except Rejected:
            return None
