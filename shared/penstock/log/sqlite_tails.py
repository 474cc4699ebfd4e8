"""The newest records of this process's own commits, so that those who follow closely need not ask the file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from penstock.log.port import Record, TopicPartition

_RECORDS = 1000
_BYTES = 1 << 20


class Tails:
    """
    What is here is committed and complete from its first record on, as far as this process knows: whoever learns that
    another process has written must ``clear``.
    """

    def __init__(self) -> None:
        self._tails: dict[TopicPartition, _Tail] = {}

    def extend(self, key: TopicPartition, records: Sequence[Record]) -> None:
        tail = self._tails.get(key)
        if tail is None or tail.end != records[0].position:
            tail = self._tails[key] = _Tail(records[0].position)
        tail.extend(records)

    def clear(self) -> None:
        self._tails.clear()

    def read(self, key: TopicPartition, position: int, limit: int) -> Sequence[Record] | None:
        """Nothing where the reader has everything, None where the file must be asked."""
        tail = self._tails.get(key)
        if tail is None or not tail.first <= position <= tail.end:
            return None
        start = position - tail.first
        return tail.records[start : start + limit]


class _Tail:
    def __init__(self, first: int) -> None:
        self.first = first
        self.records: list[Record] = []
        self._bytes = 0

    @property
    def end(self) -> int:
        return self.first + len(self.records)

    def extend(self, records: Sequence[Record]) -> None:
        self.records += records
        self._bytes += sum(_size(record) for record in records)
        while len(self.records) > 2 * _RECORDS or (self._bytes > 2 * _BYTES and self.records):
            self._drop(len(self.records) + 1 >> 1)

    def _drop(self, count: int) -> None:
        """The older half at once: one by one would move the rest each time."""
        self._bytes -= sum(_size(record) for record in islice(self.records, count))
        del self.records[:count]
        self.first += count


def _size(record: Record) -> int:
    return len(record.key) + len(record.value or b"")
