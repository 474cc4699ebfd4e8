"""
A world in memory whose every event is kept as it would stand in the log: executions, and what they share.

It is the engine's own verbs and its own outbox that write the records; what entities tell one another is decided at
once, in the order in which it was said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeAlias

import msgspec

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.definition.read import read_definition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution.state import Execution, OpenTask
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.subjects import kind_of, parent_of
from penstock.engine.by_kind import ByKind
from penstock.engine.entities import Entity
from penstock.engine.outbox import Outbox, Topics
from penstock.log.topics import COMMANDS
from penstock.messages.envelope import Received, decode_command
from penstock.messages.registry import NAMES, Command

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMIT: Final = 1_000_000
TOPICS: Final = Topics("commands", "events", "answers")


class Published:
    """Definitions by id and version; the one that came last is the latest. ``inactive`` ones cannot be started."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known: dict[str, dict[str, Definition]] = {}
        self.inactive: set[str] = set()
        for text in texts:
            graph = compile_definition(read_definition(text).value)
            self._known.setdefault(graph.id, {})[graph.version] = Definition(graph, digest_of(graph))

    async def prepare(self, arrivals: Any) -> None:
        """Everything is known."""

    def resolve(self, definition: str, version: str | None) -> Definition:
        if definition in self.inactive:
            raise Rejected(RejectionCode.DEFINITION_INACTIVE, f"expected an active version of {definition!r}")
        return self.pinned(definition, version or list(self._known[definition])[-1])

    def pinned(self, definition: str, version: str) -> Definition:
        return self._known[definition][version]

    def has_queue(self, queue: str) -> bool:
        return True

    def on_message(self, name: str) -> Sequence[Definition]:
        latest = [list(versions.values())[-1] for id_, versions in self._known.items() if id_ not in self.inactive]
        return [d for d in latest if any(t.kind == "message" and t.name == name for t in d.graph.triggers)]


class Track:
    """What there is to keep of one entity: its records, and its state after each of them."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.entity: Entity | None = None
        self.state: Any = None
        self.lines: list[bytes] = []
        self.along: list[Any] = []

    def ending(self) -> dict[str, Any]:
        """What is kept beside the history: the state at its end, and ``along`` the way there, after each event."""
        assert self.entity is not None
        tail = {"sequence": self.entity.sequence, "hash": self.entity.hash}
        return {"subject": self.subject, **tail, "state": self.along[-1], "along": self.along}


class World:
    """One story that is being recorded. ``subject`` is the entity that it is about."""

    def __init__(self, number: int, texts: Sequence[str], subject: str = "") -> None:
        self.published = Published(texts)
        self.kind = ByKind(self.published)
        self.subject = subject or f"019b793e-6a00-7000-8000-{number:012x}"
        self.now, self.position = NOON, -1
        self.tracks: dict[str, Track] = {}
        self._under_way: deque[Received[Command]] = deque()

    def do(self, *commands: Any, to: str = "", after: float = 1.0) -> Self:
        """
        ``commands`` of callers or workers, ``after`` seconds since the last. Where there are several, none of them
        waits for what those before it cause elsewhere. A function among them is called in its turn.
        """
        self.now += timedelta(seconds=after)
        for given in commands:
            if callable(given):
                given()
                continue
            subject, command = given if isinstance(given, tuple) else (to or self.subject, given)
            if isinstance(command, c.FireTimers):
                self._record(subject, command, None)
                continue
            id_ = f"{subject}/command-{self.position + 1}"
            code = self._decide(Received(command=command, id=id_, type=NAMES[type(command)], subject=subject))
            if code:
                raise ValueError(f"expected {subject} to take {command}, but it refused it: {code}")
        return self._settle()

    def start(self, definition: str, **input_: Any) -> Self:
        return self.do(c.StartExecution(definition=definition, input=input_, tags=("recorded",)))

    def clock(self) -> Self:
        """The clock comes by at the next moment at which something is due."""
        found = {s: due for s, t in self.tracks.items() if (due := self._due(s, t.state)) is not None}
        if not found:
            raise ValueError("expected something to be due, but nothing is")
        self.now = max(self.now, min(found.values()))
        for subject in [s for s, due in found.items() if due <= self.now]:
            self._record(subject, c.FireTimers(), None)
        return self._settle()

    def complete(self, step: str, output: Any = None, worker: str = "w1", *, to: str = "") -> Self:
        visit, task = self._open(step, to)
        return self.do(
            c.CompleteTask(visit=visit, attempt=task.attempt, output=output, worker=worker), to=to, after=0.25
        )

    def fail(self, step: str, failure: Failure, *, to: str = "") -> Self:
        visit, task = self._open(step, to)
        return self.do(c.FailTask(visit=visit, attempt=task.attempt, failure=failure, worker="w1"), to=to, after=0.25)

    def retire(self, definition: str) -> None:
        """No execution of it is started any more."""
        self.published.inactive.add(definition)

    def claim(self, step: str, token: str) -> Self:
        visit, task = self._open(step, "")
        return self.do(c.ClaimTask(visit=visit, attempt=task.attempt, worker="w1", token=token), after=0.25)

    def _due(self, subject: str, state: Any) -> datetime | None:
        over = state is None or self.kind.outcome(subject, state) is not None
        return None if over else self.kind.due_at(subject, state, {})

    def _settle(self) -> Self:
        """Until nobody has anything more to tell anybody."""
        while self._under_way:
            self._decide(self._under_way.popleft())
        return self

    def _decide(self, received: Received[Command]) -> str:
        """The code of the refusal; empty where it was accepted."""
        subject, command = received.subject, received.command
        self.position += 1
        code = ""
        try:
            self._record(subject, command, received)
            why, owed = "accepted", self.kind.accepted(subject, command)
        except Rejected as refusal:
            code, why = refusal.code, "refused"
            owed = self.kind.refused(subject, command, refusal.code)
        outbox = self._outbox()
        track = self.tracks.get(subject)
        outbox.effects(
            subject, owed, f"{received.id}/{why}", outbox.story(subject, track.entity if track else None, received)
        )
        self._send(outbox)
        return code

    def _record(self, subject: str, command: Any, cause: Received[Command] | None) -> None:
        known = self.tracks.get(subject)
        before = known.state if known else None
        if before is not None and self.kind.outcome(subject, before) is not None:
            raise Rejected(RejectionCode.EXECUTION_ENDED, f"{subject} has ended")
        events, after = self.kind.turn(subject, before, command, self.now)
        if not events:
            return
        track = self.tracks.setdefault(subject, Track(subject))
        for event in events:
            before = self.kind.evolve(subject, before, event, self.now)
            track.along.append(msgspec.to_builtins(before, str_keys=True))
        track.state = after
        outbox = self._outbox()
        tail = outbox.events(subject, track.entity, events, cause, self.kind.react)
        track.entity = Entity(subject, tail.sequence, tail.hash, None, *tail.story.of_its_own(subject))
        track.lines += [m.value or b"" for batch in outbox.batches() if batch.topic == "events" for m in batch.messages]
        self._send(outbox)

    def _outbox(self) -> Outbox:
        return Outbox(TOPICS, 0, self.now, self.position, LIMIT)

    def _send(self, outbox: Outbox) -> None:
        for batch in outbox.batches():
            if batch.topic == COMMANDS:
                self._under_way.extend(decode_command(message.value or b"") for message in batch.messages)

    def _open(self, step: str, subject: str) -> tuple[int, OpenTask]:
        state = self.tracks[subject or self.subject].state
        assert isinstance(state, Execution)
        for number, visit in state.visits.items():
            if visit.step == step and isinstance(visit, OpenTask):
                return number, visit
        raise ValueError(f"expected an open task of {step!r}, but the visits are {state.visits}")


def files(name: str, world: World) -> dict[str, Track]:
    """The histories of a story by the names of their files: that of its subject, and those of whoever else has part."""
    found = {name: world.tracks[world.subject]}
    for subject, track in world.tracks.items():
        if subject != world.subject:
            of = kind_of(subject) if kind_of(subject) != "execution" else "child" if parent_of(subject) else "other"
            file, number = f"{name}.{of}", 1
            while file in found:
                number += 1
                file = f"{name}.{of}-{number}"
            found[file] = track
    return found


Play: TypeAlias = Callable[[World], None]
Stories: TypeAlias = Mapping[str, tuple[tuple[str, ...], Play]]
"""Each with the definitions that it needs."""


def one(name: str, text: str) -> tuple[str, ...]:
    """A definition that is called as its story."""
    return (f"id: {name}\nversion: 1.0.0\n{text}",)
