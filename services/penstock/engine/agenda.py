"""When the clock has to come back to which entity. Kept in memory, made anew from the states after a restart."""

from __future__ import annotations

import heapq
from datetime import datetime


class Agenda:
    """One due time per entity; the earliest first."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def __len__(self) -> int:
        return len(self._due)

    def put(self, entity: str, due: datetime | None) -> None:
        """Set, move or strike out the due time of ``entity``."""
        if due is None:
            self._due.pop(entity, None)
        elif self._due.get(entity) != due:
            self._due[entity] = due
            heapq.heappush(self._heap, (due, entity))
            if len(self._heap) > 64 + 4 * len(self._due):
                self._compact()

    def next(self) -> datetime | None:
        """The earliest due time."""
        self._skim()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: datetime) -> str | None:
        """The entity that was due first, and is struck out with that; None where none is due."""
        self._skim()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, entity = heapq.heappop(self._heap)
        del self._due[entity]
        return entity

    def _skim(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def _compact(self) -> None:
        self._heap = [(due, entity) for entity, due in self._due.items()]
        heapq.heapify(self._heap)
