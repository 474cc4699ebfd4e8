"""What may go wrong with a log in memory, on demand: the seam for simulation."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from penstock.log.port import Batch, LogUnavailable, TopicPartition


class Fault(Enum):
    NONE = auto()
    LOST = auto()
    """``LogUnavailable``, and nothing was written."""
    DOUBTFUL = auto()
    """``LogUnavailable``, although everything was written."""
    DUPLICATE = auto()
    """Written twice (sends only: an owner's commits are never repeated)."""
    TAKEN_OVER = auto()
    """Somebody takes the partition over just before (commits only): ``Fenced``."""


@dataclass(slots=True)
class Faults:
    """
    Which write meets which fault, and how long writes take.

    ``commits`` and ``sends`` are used up in order, one per write; where they are empty, ``on_commit`` and ``on_send``
    are asked. ``latency`` gives the seconds before a write is applied, on the loop's own (perhaps virtual) clock.
    """

    commits: deque[Fault] = field(default_factory=deque)
    sends: deque[Fault] = field(default_factory=deque)
    on_commit: Callable[[TopicPartition, Sequence[Batch]], Fault] | None = None
    on_send: Callable[[Sequence[Batch]], Fault] | None = None
    latency: Callable[[], float] | None = None

    def of_commit(self, source: TopicPartition, batches: Sequence[Batch]) -> Fault:
        if self.commits:
            return self.commits.popleft()
        return Fault.NONE if self.on_commit is None else self.on_commit(source, batches)

    def of_send(self, batches: Sequence[Batch]) -> Fault:
        if self.sends:
            return self.sends.popleft()
        return Fault.NONE if self.on_send is None else self.on_send(batches)

    async def pause(self) -> None:
        """Every write lets others run first, as a real one would."""
        await asyncio.sleep(0 if self.latency is None else self.latency())


def lost() -> LogUnavailable:
    return LogUnavailable("expected an acknowledgement, but the write was lost (on demand)")


def doubtful() -> LogUnavailable:
    return LogUnavailable("expected an acknowledgement, but only that was lost (on demand)")
