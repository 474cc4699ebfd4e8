"""
Executions as their timelines tell them: where they are, how far they have come, which variables they have.

No row can say that by itself: whose variable a ``set`` changes, and which tokens are gone with the step that they were
in, follows from all that happened before. So the lines of an execution are folded with ``evolve``, when somebody asks:
the answer is what the engine knows, and costs nothing while nobody does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from penstock.domain.execution.events import BlockStarted, CopyStarted, ExecutionEvent
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.state import Execution, ExecutionState, NotStarted, OpenBlock, OpenCopy
from penstock.messages.registry import EVENTS
from penstock.tables.pool import Pool

Type: TypeAlias = Literal["string", "number", "boolean", "object", "array", "null"]
NOTHING: Final = NotStarted()
_PAGE: Final = 1000
"""Lines; some 20 ms of work."""


class Line(NamedTuple):
    """An event of a timeline as a value again."""

    event: ExecutionEvent
    time: datetime
    sequence: int


class Standing(NamedTuple):
    """Where an execution is: the steps that it stays in, and the transitions on which it has tokens."""

    steps: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()


class Progress(NamedTuple):
    """``known`` visits: those that have begun, and one for each step of the definition that was not entered yet."""

    percentage: int
    done: int
    known: int


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """``scope`` is "global", or "step" for one that is local to the open ``visit`` of ``step`` (0: the execution)."""

    name: str
    type: Type
    value: Any
    scope: Literal["global", "step"]
    visit: int
    step: str | None
    updated_at: datetime
    sequence: int


async def states(pool: Pool, execution_ids: Sequence[str]) -> Mapping[str, ExecutionState]:
    """What the engine knows about each of these executions, by its id."""
    found: dict[str, ExecutionState] = dict.fromkeys(execution_ids, NOTHING)
    async for page in _pages(pool, execution_ids):
        for id_, line in page:
            found[id_] = evolve(found[id_], line.event, line.time)
    return found


def standing(state: ExecutionState) -> Standing:
    """Nowhere, once it has ended."""
    if not isinstance(state, Execution):
        return Standing()
    steps = {visit.step for visit in state.visits.values() if visit.step}
    return Standing(tuple(sorted(steps)), tuple(sorted({place for here in state.tokens.values() for place in here})))


async def progress(pool: Pool, execution_id: str, steps: Collection[str]) -> Progress | None:
    """How far an execution of a definition with these ``steps`` has come; None where there is no such execution."""
    come = _Come()
    async for page in _pages(pool, [execution_id]):
        for _, line in page:
            come.add(line)
    return come.progress(steps) if come.state is not NOTHING else None


def progress_of(lines: Iterable[Line], steps: Collection[str]) -> Progress:
    """
    The share of the known visits that are over: 100 means completed, and nothing else does. Where a branch was not
    taken, or a loop goes on, it is an estimate.
    """
    come = _Come()
    for line in lines:
        come.add(line)
    return come.progress(steps)


async def variables(pool: Pool, execution_id: str) -> Sequence[Variable] | None:
    """The variables of an execution, those of its open blocks and copies too; None where there is no such execution."""
    known = _Known()
    async for page in _pages(pool, [execution_id]):
        for _, line in page:
            known.add(line)
    return known.variables() if known.state is not NOTHING else None


def variables_of(lines: Iterable[Line]) -> list[Variable]:
    """By scope and name, each with the event that gave it its value. An ended execution shows what it had last."""
    known = _Known()
    for line in lines:
        known.add(line)
    return known.variables()


class _Come:
    """How far an execution has come, line by line."""

    def __init__(self) -> None:
        self.state: ExecutionState = NOTHING
        self._last: Execution | None = None
        self._entered: set[str] = set()

    def add(self, line: Line) -> None:
        self.state = evolve(self.state, line.event, line.time)
        if isinstance(self.state, Execution):
            self._last = self.state
        if hasattr(line.event, "visit"):
            self._entered.add(getattr(line.event, "step", ""))

    def progress(self, steps: Collection[str]) -> Progress:
        begun = self._last.next_visit - 1 if self._last is not None else 0
        if getattr(self.state, "outcome", None) == "completed":
            return Progress(100, begun, begun)
        done = begun - len(self._last.visits) if self._last is not None else 0
        known = begun + len(set(steps) - self._entered)
        return Progress(min(99, 100 * done // known) if known else 0, done, known)


class _Known:
    """The variables that an execution has, line by line."""

    def __init__(self) -> None:
        self.state: ExecutionState = NOTHING
        self._found: dict[tuple[int, str], Variable] = {}
        self._open: Collection[int] = ()

    def add(self, line: Line) -> None:
        before, self.state = self.state, evolve(self.state, line.event, line.time)
        if not isinstance(self.state, Execution):
            return
        self._open = self.state.visits.keys()
        for visit in _touched(before, self.state, line.event):
            step, values = _declared(self.state, visit)
            for name, value in values.items():
                known = self._found.get((visit, name))
                if known is None or known.value != value or type(known.value) is not type(value):
                    self._found[visit, name] = _variable(name, value, visit, step, line)

    def variables(self) -> list[Variable]:
        return [self._found[key] for key in sorted(self._found) if not key[0] or key[0] in self._open]


def _touched(before: ExecutionState, state: Execution, event: ExecutionEvent) -> Iterator[int]:
    """The scopes whose variables ``event`` may have set: those around the visit that it is about, and its own."""
    yield 0
    visit = getattr(event, "visit", 0)
    scope: int | None = getattr(event, "scope", None)
    if scope is None:
        left = before.visits.get(visit) if isinstance(before, Execution) else None
        scope = left.scope if left is not None else 0
    if isinstance(event, BlockStarted | CopyStarted):
        yield visit
    while scope and scope in state.visits:
        yield scope
        scope = state.visits[scope].scope


def _declared(state: Execution, visit: int) -> tuple[str | None, Mapping[str, Any]]:
    if not visit:
        return None, state.variables
    found = state.visits.get(visit)
    return (found.step, found.variables) if isinstance(found, OpenBlock | OpenCopy) else (None, {})


def _variable(name: str, value: Any, visit: int, step: str | None, line: Line) -> Variable:
    return Variable(
        name=name,
        type=_type(value),
        value=value,
        scope="step" if visit else "global",
        visit=visit,
        step=step,
        updated_at=line.time,
        sequence=line.sequence,
    )


def _type(value: Any) -> Type:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list() | tuple():
            return "array"
        case _:
            return "object"


async def _pages(pool: Pool, execution_ids: Sequence[str]) -> AsyncIterator[list[tuple[str, Line]]]:
    """Their lines in order, a page at a time: a long history holds up nobody else, and never lies in memory whole."""
    sql = (
        "select execution_id, sequence, type, time, data from execution_timeline "
        "where execution_id = any($1::text[]) and (execution_id, sequence) > ($2, $3) "
        f"order by execution_id, sequence limit {_PAGE}"
    )
    after: tuple[str, int] = ("", 0)
    while True:
        rows = await pool.fetch(sql, list(execution_ids), *after)
        yield [(row["execution_id"], _line(row)) for row in rows]
        if len(rows) < _PAGE:
            return
        after = (rows[-1]["execution_id"], rows[-1]["sequence"])


def _line(row: Any) -> Line:
    event: Any = msgspec.convert(row["data"], EVENTS[row["type"]], str_keys=True)
    return Line(event, row["time"], row["sequence"])
