"""Rules as sentences: given a definition and a past, when a command comes, then these events or this refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.definition.read import read_definition
from penstock.domain.errors import Failure, FailureKind
from penstock.domain.execution import commands as c
from penstock.domain.execution.events import ExecutionEvent
from penstock.domain.execution.evolve import fold
from penstock.domain.execution.state import Execution, ExecutionState, NotStarted, OpenTask
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected, RejectionCode

ID = "0190a0a0-0000-7000-8000-000000000001"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Ask = Callable[[ExecutionState], c.ExecutionCommand]


def define(text: str) -> Definition:
    """The definition that ``text`` (steps in YAML) describes, with an id and a version added."""
    source = dict(read_definition(text).value)
    graph = compile_definition({"id": "story", "version": "1.0.0", **source})
    return Definition(graph, digest_of(graph))


class Story:
    """An execution of ``text`` and its clock. Checks after every step that the state equals the folded history."""

    def __init__(self, text: str) -> None:
        self.definition = define(text)
        self.state: ExecutionState = NotStarted()
        self.now = NOON
        self.history: list[tuple[ExecutionEvent, datetime]] = []
        self.events: tuple[ExecutionEvent, ...] = ()
        self.rejected: Rejected | None = None

    def started(self, **input_: Any) -> Self:
        return self.when(c.StartExecution(definition="story", input=input_))

    def when(self, command: c.ExecutionCommand | Ask, *, after: timedelta | float = 0) -> Self:
        """``after`` is a duration, or seconds, since the last command."""
        self.now += after if isinstance(after, timedelta) else timedelta(seconds=after)
        self.events, self.rejected = (), None
        asked = command(self.state) if callable(command) else command
        try:
            self.events, self.state = turn(ID, self.state, asked, self.definition, self.now)
        except Rejected as rejected:
            self.rejected = rejected
        self.history.extend((event, self.now) for event in self.events)
        assert fold(self.history) == self.state
        return self

    def passes(self, seconds: float) -> Self:
        """Time passes, and the clock comes by."""
        return self.when(c.FireTimers(), after=seconds)

    def then(self, *expected: tuple[type[ExecutionEvent], dict[str, Any]]) -> Self:
        """Exactly these events, in this order, with at least these fields."""
        assert self.rejected is None, f"refused: {self.rejected}"
        assert [type(event).__name__ for event in self.events] == [kind.__name__ for kind, _ in expected]
        for event, (_, fields) in zip(self.events, expected, strict=True):
            found = {name: getattr(event, name) for name in fields}
            assert found == fields, event
        return self

    def then_nothing(self) -> Self:
        return self.then()

    def then_rejected(self, code: RejectionCode, *words: str) -> Self:
        assert self.rejected is not None, f"accepted: {self.events}"
        assert self.rejected.code == code
        for word in words:
            assert word in self.rejected.detail
        return self

    @property
    def status(self) -> str:
        """The public status: the last one that an event carried."""
        return next(event.status for event, _ in reversed(self.history) if event.status is not None)

    def open_tasks(self) -> list[str]:
        assert isinstance(self.state, Execution)
        return sorted(visit.step for visit in self.state.visits.values() if isinstance(visit, OpenTask))


def given(text: str) -> Story:
    return Story(text)


def event(kind: type[ExecutionEvent], **fields: Any) -> tuple[type[ExecutionEvent], dict[str, Any]]:
    return kind, fields


def complete(step: str, output: Any = None, token: str | None = None) -> Ask:
    def ask(state: ExecutionState) -> c.ExecutionCommand:
        visit, task = open_task(state, step)
        return c.CompleteTask(visit=visit, attempt=task.attempt, output=output, token=token)

    return ask


def fail(
    step: str,
    code: str = "BROKEN",
    *,
    retryable: bool = True,
    kind: FailureKind | None = None,
    token: str | None = None,
) -> Ask:
    def ask(state: ExecutionState) -> c.ExecutionCommand:
        visit, task = open_task(state, step)
        failure = Failure(code=code, message="it broke", retryable=retryable, kind=kind)
        return c.FailTask(visit=visit, attempt=task.attempt, failure=failure, token=token)

    return ask


def claim(step: str, worker: str = "w1", token: str = "t1") -> Ask:
    def ask(state: ExecutionState) -> c.ExecutionCommand:
        visit, task = open_task(state, step)
        return c.ClaimTask(visit=visit, attempt=task.attempt, worker=worker, token=token)

    return ask


def open_task(state: ExecutionState, step: str) -> tuple[int, OpenTask]:
    """The oldest open task of ``step``."""
    assert isinstance(state, Execution)
    for number, visit in sorted(state.visits.items()):
        if visit.step == step and isinstance(visit, OpenTask):
            return number, visit
    raise AssertionError(f"expected an open task of {step!r}, but the visits are {state.visits}")
