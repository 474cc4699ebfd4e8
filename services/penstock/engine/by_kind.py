"""All entities of the commands topic: executions, and what they share. Each subject says which kind it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from penstock.domain.execution.effects import Effect
from penstock.domain.execution.state import Execution
from penstock.domain.lock.state import Lock
from penstock.domain.mailbox.state import Mailbox
from penstock.domain.operation.state import Operation
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.schedule.state import Schedule
from penstock.domain.signal.state import Signal
from penstock.domain.subjects import is_wellformed, kind_of, root_of
from penstock.engine.arrival import Arrival
from penstock.engine.executions import Executions, PublishedDefinitions
from penstock.engine.kinds import Sender, Verbs
from penstock.engine.locks import LOCKS
from penstock.engine.mailboxes import mailboxes
from penstock.engine.operations import OPERATIONS
from penstock.engine.schedules import SCHEDULES
from penstock.engine.signals import SIGNALS
from penstock.messages.registry import Command, Event

State: TypeAlias = Execution | Mailbox | Signal | Lock | Schedule | Operation
"""Of live entities; each tells its kind by its tag."""

SHARED: Final[Mapping[str, Verbs]] = {
    "signal": SIGNALS,
    "lock": LOCKS,
    "schedule": SCHEDULES,
    "operation": OPERATIONS,
}
"""The kinds that need no definition: a new one needs a line here, its state above, and its messages in the registry."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(State).decode


class ByKind:
    """With ``published`` None they can be replayed, not decided."""

    def __init__(self, published: PublishedDefinitions | None) -> None:
        self._kinds: dict[str, Verbs] = {"execution": Executions(published), "mailbox": mailboxes(published), **SHARED}

    def accepts(self, subject: str, command: Command) -> bool:
        kind = self._kinds.get(kind_of(subject))
        return kind is not None and kind.accepts(subject, command)

    def sender(self, subject: str, command: Command) -> Sender:
        return self._of(subject).sender(subject, command)

    def root(self, subject: str) -> str:
        return root_of(subject)

    async def prepare(self, arrivals: Sequence[Arrival]) -> None:
        for kind in self._kinds.values():
            await kind.prepare(arrivals)

    def turn(self, subject: str, state: Any, command: Command, now: datetime) -> tuple[tuple[Event, ...], Any]:
        if not is_wellformed(subject):
            detail = f"expected a name of letters, digits and ._:- after the kind, and a key, but got {subject!r:.300}"
            raise Rejected(RejectionCode.ID_INVALID, detail)
        return self._of(subject).turn(subject, state, command, now)

    def evolve(self, subject: str, state: Any, event: Event, at: datetime) -> Any:
        return self._of(subject).evolve(subject, state, event, at)

    def react(self, subject: str, event: Event) -> tuple[Effect, ...]:
        return self._of(subject).react(subject, event)

    def accepted(self, subject: str, command: Command) -> tuple[Effect, ...]:
        return self._of(subject).accepted(subject, command)

    def refused(self, subject: str, command: Command, code: RejectionCode) -> tuple[Effect, ...]:
        return self._of(subject).refused(subject, command, code)

    def answers_caller(self, subject: str, event: Event) -> bool:
        return self._of(subject).answers_caller(subject, event)

    def due_at(self, subject: str, state: Any, beats: dict[int, datetime]) -> datetime | None:
        return self._of(subject).due_at(subject, state, beats)

    def outcome(self, subject: str, state: Any) -> tuple[str, Any] | None:
        return self._of(subject).outcome(subject, state)

    def encode(self, state: Any) -> bytes:
        return _encode(state)

    def decode(self, value: bytes) -> Any:
        return _decode(value)

    def _of(self, subject: str) -> Verbs:
        return self._kinds[kind_of(subject)]
