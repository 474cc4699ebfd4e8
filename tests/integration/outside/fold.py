"""
A reader of events that knows nothing but what ``docs/reference/wire-format.md`` says: no import of the product.

It checks each subject's chain as it goes and keeps, per execution, the status, the output and the open tasks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

ENDED = {"completed", "cancelled", "terminated"}


@dataclass
class Told:
    """What the events tell of one execution; ``tasks`` are all attempts by (visit, attempt), with their status."""

    status: str = ""
    output: Any = None
    sequence: int = 0
    last_hash: str = ""
    tasks: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)

    @property
    def open_tasks(self) -> list[tuple[str, int, int]]:
        """(step, visit, attempt) of every attempt that waits for a result."""
        found = [
            (task["step"], visit, attempt)
            for (visit, attempt), task in self.tasks.items()
            if task["status"] in ("scheduled", "claimed")
        ]
        return sorted(found, key=lambda task: task[1:])


class BrokenChain(Exception):
    """The events of a subject are not one after the other, or one of them was changed."""


def fold(values: Iterable[bytes]) -> dict[str, Told]:
    """
    What the events in ``values`` (each partition in its order) tell, by execution.

    Raises:
        BrokenChain: a sequence has a gap, or a ``prevhash`` is not that of the event before.

    """
    told: dict[str, Told] = {}
    for value in values:
        event = json.loads(value)
        if event["subject"].startswith("partition/"):
            continue
        execution = told.setdefault(event["subject"], Told())
        _follow_chain(execution, event, value)
        _take(execution, event["type"].split(".")[1], event["data"])
    return told


def _follow_chain(execution: Told, event: dict[str, Any], value: bytes) -> None:
    if event["sequence"] != str(execution.sequence + 1):
        raise BrokenChain(f"{event['id']}: expected sequence {execution.sequence + 1}, got {event['sequence']}")
    if event.get("prevhash", "") != execution.last_hash:
        raise BrokenChain(f"{event['id']}: the event before it is not the one that it was written after")
    execution.sequence += 1
    execution.last_hash = sha256(value).hexdigest()


def _take(execution: Told, kind: str, data: dict[str, Any]) -> None:
    execution.status = data.get("status") or execution.status
    if kind == "task_scheduled":
        attempt = data.get("attempt", 1)
        execution.tasks[data["visit"], attempt] = {"step": data["step"], "task": data["task"], "status": "scheduled"}
    elif kind in ("task_claimed", "task_completed", "task_failed"):
        execution.tasks[data["visit"], data["attempt"]]["status"] = kind.removeprefix("task_")
    elif kind == "step_cancelled" and data.get("attempt"):
        execution.tasks[data["visit"], data["attempt"]]["status"] = "cancelled"
    elif kind == "execution_completed":
        execution.output = data.get("output")
