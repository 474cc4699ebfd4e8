"""
Everything that is decided, without an engine: executions and what they share, in memory, their commands on their way.

Commands between entities lie on partitions: each is a queue, and which one goes on next is chance. Time goes on when
somebody says so. Every event goes through its bytes, and every state must be the one that its history gives.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.execution import commands as c
from penstock.domain.execution.effects import SendCommand
from penstock.domain.execution.state import Execution, OpenTask
from penstock.domain.ids import uuid7
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.subjects import kind_of, root_of
from penstock.engine.by_kind import ByKind
from tests.domain.execution.story import NOON

PARTITIONS = 3


class Published:
    """The definitions that there are; the fake that engine tests use as well."""

    def __init__(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        self._known: dict[str, Definition] = {}
        for name, source in sources.items():
            graph = compile_definition(source)
            self._known[name] = Definition(graph, digest_of(graph))

    async def prepare(self, arrivals: Any) -> None:
        """Everything is known."""

    def resolve(self, definition: str, version: str | None) -> Definition:
        if definition not in self._known:
            raise Rejected(RejectionCode.DEFINITION_UNKNOWN, f"expected a definition, but got {definition!r}")
        return self._known[definition]

    def pinned(self, definition: str, version: str) -> Definition:
        return self.resolve(definition, version)

    def has_queue(self, queue: str) -> bool:
        return True

    def on_message(self, name: str) -> tuple[Any, ...]:
        return ()


class System:
    def __init__(self, sources: Mapping[str, Mapping[str, Any]], chance: random.Random) -> None:
        self.published = Published(sources)
        self.kind = ByKind(self.published)
        self.chance = chance
        self.now = NOON
        self.states: dict[str, Any] = {}
        self.ended: dict[str, str] = {}
        self.histories: dict[str, list[tuple[Any, datetime]]] = {}
        self.under_way: list[deque[tuple[str, Any]]] = [deque() for _ in range(PARTITIONS)]
        self.refusals: list[tuple[str, Any, RejectionCode]] = []

    def start(self, definition: str, **given: Any) -> str:
        subject = uuid7(int(self.now.timestamp() * 1000), self.chance.getrandbits(80))
        self.tell(subject, c.StartExecution(definition=definition, input=given))
        return subject

    def tell(self, subject: str, command: Any) -> RejectionCode | None:
        """Decide ``command`` now; the code of the refusal, if it is one."""
        code: RejectionCode | None = None
        effects: list[Any] = []
        try:
            if subject in self.ended:
                raise Rejected(RejectionCode.EXECUTION_ENDED, f"{subject} has ended")
            before = self.states.get(subject)
            events, after = self.kind.turn(subject, before, command, self.now)
            self._take_in(subject, events, after)
            effects = [effect for event in events for effect in self.kind.react(subject, event)]
        except Rejected as refusal:
            code = refusal.code
            self.refusals.append((subject, command, code))
            effects = list(self.kind.refused(subject, command, code))
        for effect in effects:
            if isinstance(effect, SendCommand):
                self._partition(effect.subject).append((effect.subject, effect.command))
        return code

    def _take_in(self, subject: str, events: tuple[Any, ...], after: Any) -> None:
        state = self.states.get(subject)
        for event in events:
            assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event
            state = self.kind.evolve(subject, state, event, self.now)
        if not events:
            return
        assert state == after, f"{subject}: the folded state differs from the decided one"
        self.histories.setdefault(subject, []).extend((event, self.now) for event in events)
        ended = self.kind.outcome(subject, state)
        if ended is not None:
            self.ended[subject] = ended[0]
            self.states.pop(subject, None)
        else:
            assert self.kind.encode(self.kind.decode(self.kind.encode(state))) == self.kind.encode(state)
            self.states[subject] = state

    def _partition(self, subject: str) -> deque[tuple[str, Any]]:
        return self.under_way[sum(root_of(subject).encode()) % PARTITIONS]

    def deliver(self) -> bool:
        """One command that is under way arrives; False when none is."""
        waiting = [queue for queue in self.under_way if queue]
        if not waiting:
            return False
        self.tell(*self.chance.choice(waiting).popleft())
        return True

    def deliver_all(self) -> None:
        for _ in range(100_000):
            if not self.deliver():
                return
        raise AssertionError("commands between entities never come to an end")

    def tick(self, seconds: float = 0.0) -> bool:
        """Time goes on, at least to the next thing that is due; False when nothing is."""
        dues = {s: due for s, state in self.states.items() if (due := self.kind.due_at(s, state, {})) is not None}
        if not dues:
            return False
        self.now = max(self.now + timedelta(seconds=seconds), min(dues.values()))
        for subject, due in sorted(dues.items(), key=lambda item: item[1]):
            if due <= self.now and subject in self.states:
                self.tell(subject, c.FireTimers())
        return True

    def executions(self) -> list[tuple[str, Execution]]:
        return [(s, state) for s, state in sorted(self.states.items()) if kind_of(s) == "execution"]

    def open_tasks(self) -> list[tuple[str, int, OpenTask]]:
        return [
            (subject, number, visit)
            for subject, state in self.executions()
            for number, visit in sorted(state.visits.items())
            if isinstance(visit, OpenTask)
        ]

    def check(self) -> None:
        """Every live state is the one that its history gives."""
        for subject, history in self.histories.items():
            state = None
            for event, at in history:
                state = self.kind.evolve(subject, state, event, at)
            if subject in self.ended:
                assert self.kind.outcome(subject, state) is not None
            else:
                assert state == self.states[subject], f"{subject}: folding gives another state"
