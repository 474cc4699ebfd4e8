"""Definitions as a kind of entity: the catalog's verbs, and the queue topics that a published definition needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec

from penstock.catalog.commands import CatalogCommand, PublishDefinition, PublishDraft, SaveDraft
from penstock.catalog.decide import decide
from penstock.catalog.evolve import evolve
from penstock.catalog.queues import queues_of
from penstock.catalog.react import react
from penstock.catalog.state import Catalog
from penstock.catalog.versions import DefinitionState, Unpublished
from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.definition.model import Transport
from penstock.domain.execution.effects import Effect, SendCommand
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.engine.arrival import Arrival
from penstock.engine.kinds import Sender
from penstock.log.port import Log
from penstock.log.topics import COMMANDS, queue_topics, tasks_topic
from penstock.messages.envelope import Received
from penstock.messages.registry import Command, Event

_COMMANDS = frozenset(get_args(CatalogCommand))
_UNPUBLISHED = Unpublished()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DefinitionState).decode


class Definitions:
    """``log`` gets the topics of the queues; ``default`` is the transport of queues that no definition declares."""

    def __init__(self, log: Log, default: Transport = "log") -> None:
        self._log = log
        self._catalog = Catalog(default=default)
        self._unfit: dict[str, str] = {}

    def accepts(self, subject: str, command: Command) -> bool:
        return type(command) in _COMMANDS

    def sender(self, subject: str, command: Command) -> Sender:
        return "caller"

    def root(self, subject: str) -> str:
        return subject

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        """Make and verify the topics of the queues that a definition names, before it is published (decisions 18)."""
        saved: dict[str, list[dict[str, Any]]] = {}
        for _, received in arrivals:
            match received:
                case Received(command=PublishDefinition(source=source)):
                    await self._ensure(_queues(source))
                case Received(command=SaveDraft(source=source), subject=subject):
                    saved.setdefault(subject, []).append(source)
                case Received(command=PublishDraft(), subject=subject):
                    draft = self._catalog.state(subject).draft
                    # Which of them it will be is not decided yet: a save may be refused.
                    for source in (*([draft.source] if draft else []), *saved.get(subject, [])):
                        await self._ensure(_queues(source))
                case _:
                    pass

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        assert isinstance(command, CatalogCommand)
        before: DefinitionState = state or _UNPUBLISHED
        if isinstance(command, PublishDefinition):
            self._check(_queues(command.source))
        elif isinstance(command, PublishDraft) and before.draft is not None:
            self._check(_queues(before.draft.source))
        events = decide(before, command, subject, self._catalog.queues)
        after = before
        for event in events:
            after = self.evolve(subject, after, event, now)
        return events, after

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any:
        self._catalog = self._catalog.after(subject, event)
        return evolve(state or _UNPUBLISHED, event)  # type: ignore[arg-type] # the log holds only its events here

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        """The topics exist already; schedules are told what they are to start."""
        owed = react(subject, event)  # type: ignore[arg-type] # the log holds only its events here
        return tuple(effect for effect in owed if isinstance(effect, SendCommand))

    def accepted(self, subject: str, command: Command) -> tuple[Effect, ...]:
        return ()

    def refused(self, subject: str, command: Command, code: RejectionCode) -> tuple[Effect, ...]:
        return ()

    def answers_caller(self, subject: str, event: Event) -> bool:
        """A repeated command finds that it was done already."""
        return False

    def due_at(self, subject: str, state: Any, beats: dict[int, datetime]) -> datetime | None:
        return None

    def outcome(self, subject: str, state: Any) -> tuple[str, Any] | None:
        return None

    def encode(self, state: Any) -> bytes:
        return _encode(state)

    def decode(self, value: bytes) -> Any:
        return _decode(value)

    async def _ensure(self, queues: tuple[str, ...]) -> None:
        counts = await self._log.topics()
        partitions = counts[COMMANDS]
        wanted = [spec for queue in queues for spec in queue_topics(queue, partitions)]
        await self._log.apply([spec for spec in wanted if spec.name not in counts])
        counts = await self._log.topics()
        for queue in queues:
            found = counts.get(tasks_topic(queue))
            if found == partitions:
                self._unfit.pop(queue, None)
            else:
                self._unfit[queue] = f"expected {partitions} partitions, but found {found or 'no topic'}"

    def _check(self, queues: tuple[str, ...]) -> None:
        for queue in queues:
            if queue in self._unfit:
                raise Rejected(
                    RejectionCode.QUEUE_MISSING, f"queue {queue!r}, topic {tasks_topic(queue)!r}: {self._unfit[queue]}"
                )


def _queues(source: Mapping[str, Any]) -> tuple[str, ...]:
    """None for what will be refused anyway."""
    try:
        return queues_of(compile_definition(source))
    except DefinitionInvalid:
        return ()
