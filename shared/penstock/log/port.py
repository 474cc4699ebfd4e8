"""
What the product asks of a log, and what every adapter promises.

The port is modelled on the stricter partner, Kafka. The promises (``tests/contract`` holds every adapter to them):

* records of a partition are read in the order in which they were written, at positions that grow and never change;
* what one ``Ownership.commit`` writes becomes visible together, or not at all, on every topic it touches;
* whoever lost the ownership of a partition gets ``Fenced`` from ``commit``, whatever it had in flight;
* a reader never sees what was not committed;
* a record that is refused aborts the whole commit, by name;
* positions and records survive a restart (not in memory, of course).

Topics are named logically here (``commands``, ``tasks.default``); an adapter adds prefix and version
(``penstock.commands.v1``). Positions may have gaps: compare them, never count with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, Self, TypeAlias

Headers: TypeAlias = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Message(NamedTuple):
    """What is to be written. A ``value`` of None is a tombstone (compacted topics only)."""

    key: bytes
    value: bytes | None
    headers: Headers = ()


class Record(NamedTuple):
    """What was read. ``time`` is milliseconds since the epoch: the log's append time, where the topic says so."""

    topic: str
    partition: int
    position: int
    key: bytes
    value: bytes | None
    headers: Headers
    time: int


class Batch(NamedTuple):
    """Messages for one partition of one topic, in order."""

    topic: str
    partition: int
    messages: Sequence[Message]


class Cleanup(StrEnum):
    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic has to be. ``retention`` is in seconds; None keeps for ever."""

    name: str
    partitions: int
    retention: int | None
    cleanup: Cleanup = Cleanup.DELETE
    append_time: bool = False
    extra: tuple[tuple[str, str], ...] = ()


class LogError(Exception):
    """Something between us and the log."""


class Fenced(LogError):
    """This process no longer owns the partition: stop, let go of it, join again. Nothing was recorded."""


class LogUnavailable(LogError):
    """The world is in the way: nobody knows yet whether the last commit came through. Let go, and take over again."""


class RecordTooLarge(LogError):
    """A record is larger than the log takes. Nothing of its commit was recorded."""

    def __init__(self, topic: str, key: bytes, size: int, limit: int) -> None:
        super().__init__(
            f"expected a record of at most {limit} bytes for topic {topic!r}, "
            f"but key {key.decode(errors='replace')!r} has one of {size}"
        )
        self.topic, self.key, self.size, self.limit = topic, key, size, limit


class TopicMissing(LogError):
    """A topic that is needed does not exist."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"expected topic {topic!r} to exist, but it does not: run `penstock topics apply`")
        self.topic = topic


class Reader(Protocol):
    """Reads committed records of some partitions from wherever it is told to; remembers nothing in the log."""

    async def read(self, limit: int = 1000, wait: float = 0.0) -> Sequence[Record]:
        """At most ``limit`` records; where there are none, wait up to ``wait`` seconds for the first."""
        ...

    def position(self, partition: TopicPartition) -> int:
        """Where the next read of ``partition`` begins: past everything read so far, gaps included."""
        ...

    def seek(self, partition: TopicPartition, position: int) -> None: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


class Ownership(Protocol):
    """The exclusive right to write what one input partition causes."""

    @property
    def epoch(self) -> int:
        """Larger than that of every earlier owner of the same input partition."""
        ...

    async def commit(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """
        Write all batches (at most one per partition, at least one message in all); returns the position of the first
        record of each.

        Raises:
            Fenced: another process has taken over; nothing was recorded.
            RecordTooLarge: a record is over the limit; nothing was recorded, the ownership goes on.
            LogUnavailable: the outcome is unknown; this ownership is dead, take the partition over again.

        """
        ...

    async def release(self) -> None:
        """Give the right back; idempotent, never raises for a lost one."""
        ...


class Assignee(Protocol):
    """Who is told which partitions this process serves."""

    async def assign(self, partitions: frozenset[int]) -> None:
        """Serve these, all of them and no others, from now on. Returns soon: the work goes on elsewhere."""
        ...

    async def revoke(self) -> None:
        """Return as soon as nothing more is written for any partition served so far."""
        ...


class Membership(Protocol):
    """A place in a group that shares the partitions of a topic among processes."""

    async def report(self, positions: Mapping[int, int]) -> None:
        """Tell lag tools how far the partitions are read. Nothing ever depends on it."""
        ...

    async def close(self) -> None:
        """Leave the group; the assignee is revoked first."""
        ...


class Subscription(Protocol):
    """At-least-once reading in a group: what is not committed is read again by somebody."""

    async def read(self, limit: int = 500, wait: float = 0.0) -> Sequence[Record]: ...

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Everything before these positions is done. Partitions that moved away meanwhile are passed over."""
        ...

    def assigned(self) -> frozenset[TopicPartition]: ...

    async def close(self) -> None: ...


Mark: TypeAlias = Callable[[int, int], Batch]
"""(epoch, turn) -> the ownership record to commit, turn being 0 and then 1."""


class Log(Protocol):
    """One log: topics, partitions, records, owners, groups."""

    @property
    def max_record(self) -> int:
        """The size in bytes of the largest record (key, value and headers) that the log takes."""
        ...

    async def topics(self) -> Mapping[str, int]:
        """The logical names of the topics that exist, with their numbers of partitions."""
        ...

    async def apply(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        """Create the topics of ``specs`` that are missing; returns their names. Existing ones are left alone."""
        ...

    async def check(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        """One sentence per difference between ``specs`` and what exists, each with what mends it; none is good."""
        ...

    async def send(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """
        Write outside any ownership (commands, results), durably; returns the position of each batch's first record.

        Raises:
            RecordTooLarge: a record is over the limit.
            TopicMissing: a topic does not exist.
            LogUnavailable: it is unknown which batches were written; sending again may repeat them.

        """
        ...

    async def first(self, partition: TopicPartition) -> int:
        """The position of the oldest record that is still there (that of the next one, where there is none)."""
        ...

    async def end(self, partition: TopicPartition) -> int:
        """The position after the last committed record: a reader at this position has read everything."""
        ...

    async def reader(self, starts: Mapping[TopicPartition, int]) -> Reader: ...

    async def take(self, source: TopicPartition, mark: Mark) -> Ownership:
        """
        Become the only owner of input partition ``source``: fence every earlier owner, then commit ``mark`` on
        each of the adapter's turns. Only after this has returned may the log be read to its end and work begin.
        """
        ...

    async def join(self, group: str, topic: str, assignee: Assignee, member: str = "") -> Membership:
        """Share the partitions of ``topic`` with the other members of ``group``. ``member`` names a static member."""
        ...

    async def subscribe(
        self, group: str, topics: Sequence[str], on_revoke: Callable[[], Awaitable[None]] | None = None
    ) -> Subscription:
        """
        Read ``topics`` together with the other subscribers of ``group``, from the oldest record on. ``on_revoke`` is
        awaited before partitions move to another subscriber.
        """
        ...

    async def close(self) -> None: ...
