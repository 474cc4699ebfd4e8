"""What a ``Client`` returns."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from penstock.domain.definition.model import Graph
from penstock.domain.errors import Failure

RESTING: Final = frozenset({"completed", "cancelled", "terminated", "failed"})


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """An execution as the read model shows it. ``input`` and ``output`` are None in lists."""

    id: str
    definition: str
    version: str
    status: str
    digest: str = ""
    business_key: str | None = None
    tags: tuple[str, ...] = ()
    priority: str = "medium"
    initiated_by: str = "system"
    input: Any = None
    output: Any = None
    failure: Failure | None = None
    reason: str | None = None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    deadline: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether it rests: completed, cancelled, terminated, or failed (which can be retried)."""
        return self.status in RESTING


class TaskAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a task step."""

    id: str
    execution_id: str
    step: str
    visit: int
    attempt: int
    task: str
    queue: str
    status: str
    worker: str | None = None
    input: Any = None
    output: Any = None
    failure: Failure | None = None
    scheduled_at: datetime
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    undoes: int | None = None
    added_by: str | None = None


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a timeline: an event, and its place in the log."""

    execution_id: str
    sequence: int
    id: str
    type: str
    time: datetime
    data: dict[str, Any]
    partition: int
    position: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A command was accepted. Queries with ``min_token=token`` show its effect."""

    id: str
    token: str
    command_id: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """``done`` of the ``known`` visits are over; ``progress`` in percent is an estimate, but 100 means completed."""

    id: str
    status: str
    progress: int
    done: int
    known: int
    started_at: datetime
    ended_at: datetime | None = None
    estimated_completion: datetime | None = None


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """``scope`` is "global", or "step" for one that is local to the open ``visit`` of the block or copy ``step``."""

    name: str
    type: str
    value: Any
    scope: str
    visit: int
    step: str | None = None
    updated_at: datetime
    sequence: int


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Something open that has no ``place`` in another version."""

    code: str
    place: str
    message: str


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """An execution goes on by ``version``, or could. A dry run has no ``token``, and says what stands in the way."""

    id: str
    version: str
    compatible: bool
    problems: tuple[Misfit, ...] = ()
    token: str | None = None
    command_id: str | None = None


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a definition is published. ``warnings`` say what could be better about it."""

    id: str
    version: str
    digest: str
    token: str
    warnings: tuple[dict[str, Any], ...] = ()


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a definition as the read model shows it: as it was written, and compiled."""

    id: str
    version: str
    digest: str
    active: bool
    status: str = "published"
    source: dict[str, Any]
    graph: Graph


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    ended: bool
    execution: Execution
