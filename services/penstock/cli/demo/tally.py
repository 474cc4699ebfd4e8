"""Counts what the event topic tells: outcomes, times, throughput. Any consumer of the topic could do the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from penstock.domain.execution import events as e
from penstock.log.port import Log, Reader, TopicPartition
from penstock.log.topics import EVENTS
from penstock.messages.envelope import decode_event

OVER: Final = frozenset({"completed", "failed", "cancelled", "terminated"})


@dataclass(slots=True)
class Tally:
    """What was seen of the executions so far. A failed one is over until somebody retries it."""

    events: int = 0
    definitions: dict[str, str] = field(default_factory=dict)
    began: dict[str, datetime] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    durations: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first: datetime | None = None
    last: datetime | None = None

    @property
    def span(self) -> timedelta:
        return self.last - self.first if self.first and self.last else timedelta(0)

    def over(self, definition: str) -> int:
        return sum(self.definitions[execution] == definition for execution in self.outcomes)

    def by_outcome(self, definition: str) -> Mapping[str, int]:
        return Counter(self.outcomes[x] for x in self.outcomes if self.definitions[x] == definition)

    def see(self, execution: str, event: object, time: datetime) -> None:
        self.events += 1
        if isinstance(event, e.ExecutionStarted):
            self.definitions[execution] = event.definition
            self.began[execution] = time
            self.first = self.first or time
        if isinstance(event, e.TaskFailed) and event.retry_at is not None:
            self.retries += 1
        if isinstance(event, e.ExecutionFailed):
            self.reasons[event.failure.code] += 1
        if getattr(event, "status", None) in OVER:
            self.outcomes[execution] = str(event.status)  # type: ignore[attr-defined] # it has one: see above
            self.durations[self.definitions[execution]].append((time - self.began[execution]).total_seconds())
            self.last = time


class Following:
    """Reads every partition of the event topic into a tally."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.tally = Tally()

    @classmethod
    async def begin(cls, log: Log) -> Following:
        counts = await log.topics()
        return cls(await log.reader({TopicPartition(EVENTS, n): 0 for n in range(counts[EVENTS])}))

    async def step(self) -> None:
        """Take in what is new; waits a moment where there is nothing."""
        for record in await self._reader.read(limit=2000, wait=0.1):
            recorded = decode_event(record.value or b"")
            if not recorded.subject.startswith("partition/"):
                self.tally.see(recorded.subject, recorded.event, recorded.time)

    async def close(self) -> None:
        await self._reader.close()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)] if ordered else 0.0
