"""
Records histories: what the domain makes of some stories today, as the engine writes it, and the states they lead to.

``python -m tests.histories.record v2`` adds a folder for a release. What is recorded is never recorded again: the tests
hold every later release to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.definition.read import read_definition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.state import Execution, ExecutionState, NotStarted, OpenTask, due_at
from penstock.domain.execution.turn import turn
from penstock.engine.entities import Entity
from penstock.engine.outbox import Outbox, Topics
from penstock.messages.envelope import Received
from penstock.messages.registry import NAMES

HERE: Final = Path(__file__).parent
NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMIT: Final = 1_000_000


class Recorder:
    """One execution whose every event is kept as it would stand in the log."""

    def __init__(self, name: str, number: int, text: str) -> None:
        source = dict(read_definition(text).value)
        graph = compile_definition({"id": name, "version": "1.0.0", **source})
        self.definition = Definition(graph, digest_of(graph))
        self.subject = f"019b793e-6a00-7000-8000-{number:012x}"
        self.now, self.position = NOON, -1
        self.entity: Entity | None = None
        self.state: ExecutionState = NotStarted()
        self.lines: list[bytes] = []
        self.along: list[Any] = []

    def start(self, **input_: Any) -> Self:
        return self.do(c.StartExecution(definition=self.definition.id, input=input_, tags=("recorded",)))

    def do(self, command: c.ExecutionCommand, after: float = 1.0) -> Self:
        """``after`` is seconds since the last command."""
        self.now += timedelta(seconds=after)
        cause = None
        if not isinstance(command, c.FireTimers):
            self.position += 1
            id_ = f"{self.subject}/command-{self.position}"
            cause = Received(command=command, id=id_, type=NAMES[type(command)], subject=self.subject)
        before = self.state
        events, self.state = turn(self.subject, before, command, self.definition, self.now)
        for event in events:
            before = evolve(before, event, self.now)
            self.along.append(msgspec.to_builtins(before, str_keys=True))
        outbox = Outbox(Topics("commands", "events", "answers"), 0, self.now, self.position, LIMIT)
        tail = outbox.events(self.subject, self.entity, events, cause)
        self.entity = Entity(self.subject, tail.sequence, tail.hash, None)
        self.lines += [message.value or b"" for batch in outbox.batches() for message in batch.messages]
        return self

    def clock(self) -> Self:
        """The clock comes by at the next moment at which something is due."""
        due = due_at(self.state)
        if due is None:
            raise ValueError(f"expected something to be due, but the state is {self.state}")
        return self.do(c.FireTimers(), after=max(0.0, (due - self.now).total_seconds()))

    def complete(self, step: str, output: Any = None, worker: str = "w1", token: str | None = None) -> Self:
        visit, task = self._open(step)
        return self.do(
            c.CompleteTask(visit=visit, attempt=task.attempt, output=output, worker=worker, token=token), 0.25
        )

    def fail(self, step: str, failure: Failure) -> Self:
        visit, task = self._open(step)
        return self.do(c.FailTask(visit=visit, attempt=task.attempt, failure=failure, worker="w1"), 0.25)

    def claim(self, step: str, token: str) -> Self:
        visit, task = self._open(step)
        return self.do(c.ClaimTask(visit=visit, attempt=task.attempt, worker="w1", token=token), 0.25)

    def _open(self, step: str) -> tuple[int, OpenTask]:
        assert isinstance(self.state, Execution)
        for number, visit in self.state.visits.items():
            if visit.step == step and isinstance(visit, OpenTask):
                return number, visit
        raise ValueError(f"expected an open task of {step!r}, but the visits are {self.state.visits}")

    def ending(self) -> dict[str, Any]:
        """What is kept beside the history: the state at its end, and ``along`` the way there, after each event."""
        assert self.entity is not None
        tail = {"sequence": self.entity.sequence, "hash": self.entity.hash}
        return {"subject": self.subject, **tail, "state": self.along[-1], "along": self.along}


SEQUENCE = """
variables: {currency: EUR}
output: {charged: "{{ steps.charge.id }}", city: "{{ city }}"}
steps:
  charge: {task: charge, input: {amount: "{{ amount }}", in: "{{ currency }}"}, next: pack}
  pack: {task: pack, output: {boxes: "{{ output.boxes }}"}, next: ship}
  ship: {task: ship}
"""
BRANCHES = """
steps:
  score: {task: score, output: {score: "{{ output.score }}"}, next: decide}
  decide:
    choose:
      - {when: score >= 80, next: approve}
      - {when: score >= 50 and amount < 1000, next: review}
      - {otherwise: refuse}
  approve: {set: {approved: true}, next: tell}
  review: {task: review, next: tell}
  refuse: {set: {approved: false}, next: tell}
  tell: {task: tell}
"""
PARALLEL = """
steps:
  fork: {parallel: [ocr, classify, cool]}
  ocr: {task: ocr, next: joined}
  classify: {task: classify, next: joined}
  cool: {wait: 90s, next: joined}
  joined: {pass: true, join: all, next: file}
  file: {task: file}
"""
RETRIED = """
steps:
  charge: {task: charge, retry: {attempts: 2, backoff: 2s, never: [CARD_STOLEN]}, next: ship}
  ship: {task: ship}
"""
PAUSED = """
start: [left, right]
steps:
  left: {task: left, next: joined}
  right: {wait: 10s, next: joined}
  joined: {pass: true, join: all, next: last}
  last: {task: last}
"""
CANCELLED = """
timeout: 1d
start: [one, two, later]
steps:
  one: {task: work, timeout: 5m}
  two: {task: work, queue: gpu}
  later: {wait: 1h}
"""
CLAIMED = """
steps:
  train: {task: train, timeout: 5m, heartbeat: 10s, start_within: 1m, retry: {attempts: 3, backoff: 1s}}
"""
UNENTERABLE = """
steps:
  cool: {wait: "{{ pause }}", next: ship}
  ship: {task: ship}
"""


def sequence(story: Recorder) -> None:
    story.start(amount=12.5, city="Zürich").complete("charge", {"id": "c-1"}).complete("pack", {"boxes": 2})
    story.complete("ship", {"at": "2026-01-02T00:00:00Z"})


def branches(story: Recorder) -> None:
    story.start(amount=900).complete("score", {"score": 61}).complete("review", "fine").complete("tell")


def parallel(story: Recorder) -> None:
    story.start(pages=[1, 2, 3]).complete("classify", "invoice").clock().complete("ocr", {"text": "Σ"})
    story.complete("file", {"folder": "in"})


def retried(story: Recorder) -> None:
    busy = Failure(code="BUSY", message="try later", details={"after": 3})
    story.start(card="4111").fail("charge", busy).clock().fail("charge", Failure(code="CARD_STOLEN"))
    story.do(c.RetryExecution(by="ann")).complete("charge", {"ok": True}).complete("ship")


def paused(story: Recorder) -> None:
    story.start().do(c.PauseExecution(reason="stock-taking", by="ann")).complete("left", 1)
    story.do(c.ResumeExecution(by="ann"), after=60).clock()


def cancelled(story: Recorder) -> None:
    story.start(n=1).complete("one", "done").do(c.CancelExecution(reason="too dear", by="ann"))


def claimed(story: Recorder) -> None:
    story.start().claim("train", "t1").clock().clock().claim("train", "t2")
    story.do(c.TerminateExecution(reason="power cut", by="ann"))


def unenterable(story: Recorder) -> None:
    story.start(pause="soon").do(c.RetryExecution(by="ann"), after=5)


Play = Callable[[Recorder], None]
STORIES: Final[Mapping[str, tuple[str, Play]]] = {
    "sequence": (SEQUENCE, sequence),
    "branches": (BRANCHES, branches),
    "parallel-join": (PARALLEL, parallel),
    "failed-and-retried": (RETRIED, retried),
    "paused-and-resumed": (PAUSED, paused),
    "cancelled": (CANCELLED, cancelled),
    "claimed-and-terminated": (CLAIMED, claimed),
    "step-that-cannot-be-entered": (UNENTERABLE, unenterable),
}


def recorded(name: str) -> Recorder:
    """The story ``name`` as this release tells it."""
    text, play = STORIES[name]
    story = Recorder(name, list(STORIES).index(name) + 1, text)
    play(story)
    return story


def main(release: str) -> int:
    folder = HERE / release
    folder.mkdir(exist_ok=True)
    for name in STORIES:
        history, state = folder / f"{name}.jsonl", folder / f"{name}.state.json"
        if history.exists() or state.exists():
            print(f"{release}/{name} is recorded already", file=sys.stderr)
            continue
        story = recorded(name)
        history.write_bytes(b"".join(line + b"\n" for line in story.lines))
        state.write_bytes(msgspec.json.format(msgspec.json.encode(story.ending()), indent=2) + b"\n")
        print(f"{release}/{name}: {len(story.lines)} events")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
