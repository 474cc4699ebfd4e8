"""Between a worker and whoever gives it tasks: one semantics, whatever the way (design §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

import msgspec

from penstock.domain.errors import Failure
from penstock.messages.offers import Offer
from penstock.messages.records import Task


class Delivery:
    """
    A task in the hands of this worker, under ``token``.

    ``begun`` is set by the worker when it starts; ``dropped`` by whoever finds that it must not start any more.
    """

    __slots__ = ("begun", "dropped", "lease_until", "task", "token")

    def __init__(self, task: Task, token: str = "", lease_until: datetime | None = None) -> None:
        self.task, self.token, self.lease_until = task, token, lease_until
        self.begun = self.dropped = False


Withdraw: TypeAlias = Callable[[str], None]
"""Told the id of a task that is no longer wanted; ids that mean nothing to the listener are passed over."""


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes tasks of which queue. ``types`` are those it has handlers for."""

    worker: str
    queue: str
    types: tuple[str, ...]
    withdraw: Withdraw


class Channel(Protocol):
    """
    One worker's way to one queue. What is handed out ends with exactly one of ``complete``, ``fail``, ``release``
    (somebody else is to do it) and ``discard`` (nobody is). These return at once and never raise: ``run`` carries
    them out, again and again while the other side does not answer.
    """

    @property
    def ahead(self) -> int:
        """How many tasks are worth fetching beyond those that can be worked on at once."""
        ...

    async def run(self) -> None:
        """Carry out what was asked until ``close``."""
        ...

    def ready(self) -> bool: ...

    async def fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        """
        At most ``limit`` tasks; where there are none, wait up to ``wait`` seconds for the first.

        Raises:
            TransportUnavailable: nobody answers just now.

        """
        ...

    async def claim(self, delivery: Delivery) -> bool:
        """Returns once it is sure that the engine will hear of it; False: the attempt is not ours any more."""
        ...

    async def heartbeat(self, delivery: Delivery) -> bool:
        """False: the attempt is not ours any more."""
        ...

    def complete(self, delivery: Delivery, output: object) -> None: ...

    def fail(self, delivery: Delivery, failure: Failure) -> None: ...

    def release(self, delivery: Delivery) -> None: ...

    def discard(self, delivery: Delivery) -> None: ...

    async def close(self) -> None:
        """Carry out what was asked so far, then let go of the queue; ``run`` returns."""
        ...


class Transport(Protocol):
    """A way to get tasks: ``LogTransport``, ``HttpTransport``, ``LocalTransport``."""

    async def open(self, joining: Joining) -> Channel: ...

    async def close(self) -> None: ...


class TaskFeed(Protocol):
    """Whoever hands tasks out, in this process or behind HTTP. A refusal is raised as ``Rejected`` with its code."""

    async def poll(
        self, queue: str, worker: str, types: Sequence[str] | None, limit: int, wait: float
    ) -> Sequence[Offer]: ...

    async def complete(self, task_id: str, token: str, output: object, worker: str) -> object: ...

    async def fail(self, task_id: str, token: str, failure: Failure, worker: str) -> object: ...

    async def heartbeat(self, task_id: str, token: str) -> datetime: ...

    async def release(self, task_id: str, token: str) -> object: ...
