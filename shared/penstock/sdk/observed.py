"""What a test sees of an execution: its end, and everything that happened on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.messages.records import Task


class Entry(NamedTuple):
    """Something that happened: how long after the start, what (``task_completed``), in which step."""

    after: timedelta
    what: str
    step: str | None
    event: e.ExecutionEvent


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an execution. ``attempts`` are the tasks as workers would have got them."""

    status: e.Status
    output: Any
    failure: Failure | None
    variables: dict[str, Any]
    timeline: tuple[Entry, ...]
    attempts: tuple[Task, ...]

    @property
    def events(self) -> tuple[e.ExecutionEvent, ...]:
        return tuple(entry.event for entry in self.timeline)

    def steps(self, what: str = "task_completed") -> list[str]:
        """The steps to which ``what`` happened, in order."""
        return [entry.step for entry in self.timeline if entry.what == what and entry.step]
