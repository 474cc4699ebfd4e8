"""How far the positions of a partition may be committed: never past a record that is not done."""

from __future__ import annotations

from collections import deque


class Mark:
    """A record that was read, and whether it is done: finished, or claimed and so in the engine's care."""

    __slots__ = ("done", "position")

    def __init__(self, position: int) -> None:
        self.position, self.done = position, False


class Watermark:
    """The records of one partition in the order in which they were read."""

    def __init__(self) -> None:
        self._open: deque[Mark] = deque()
        self._next: int | None = None
        self._committed: int | None = None

    def read(self, position: int) -> Mark:
        mark = Mark(position)
        self._open.append(mark)
        return mark

    def advance(self) -> int | None:
        """The position to commit, where it has moved since ``committed``: everything before it is done."""
        marks = self._open
        while marks and marks[0].done:
            self._next = marks.popleft().position + 1
        return self._next if self._next != self._committed else None

    def committed(self, position: int) -> None:
        self._committed = position
