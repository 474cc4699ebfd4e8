"""What all parts of the Kafka adapter share: the cluster, the names of topics, how errors leave the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, cast

import aiokafka
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    OffsetOutOfRangeError,
    ProducerFenced,
)

from penstock.log.port import Headers, LogError, LogUnavailable, Record, TopicPartition
from penstock.log.topics import dead_letters

# OSError holds TimeoutError and everything of sockets; the driver checks its own states by assertions.
DRIVER_ERRORS = (KafkaError, OSError, AssertionError)
_FENCES = (ProducerFenced, InvalidProducerEpoch, InvalidTxnState, InvalidProducerIdMapping)
# All batches that we write hold at most this; brokers take 1,048,588 bytes unless told otherwise.
MAX_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How the adapter meets the cluster; the defaults suit one rack. Times are in seconds."""

    session_timeout: float = 8.0
    """After this a silent group member is thrown out, and an open transaction of a silent owner is aborted."""
    rebalance_timeout: float = 16.0
    """How long a rebalance waits for a member that drains its work."""
    timeout: float = 15.0
    """For everything else that asks the cluster something."""
    max_record: int = 1_000_000
    """Key, value and headers of one record; the rest of a batch of 1 MiB is room for Kafka's own bytes."""
    replication: int | None = None
    """Of topics that are created; None is three, or as many as there are brokers."""
    compression: str | None = None
    """Of batches that are produced: zstd, lz4, snappy, gzip."""


DEAD: Final = dead_letters("")


@dataclass(frozen=True, slots=True)
class Names:
    """
    Logical topic names <-> those on the cluster: ``commands`` <-> ``penstock.commands.v1``, and its dead letters
    ``commands.dlq`` <-> ``penstock.commands.v1.dlq``.
    """

    prefix: str

    def outer(self, topic: str) -> str:
        source = topic.removesuffix(DEAD)
        return f"{self.prefix}.{source}.v1{topic[len(source) :]}"

    def inner(self, name: str) -> str | None:
        """The logical name, or None where the topic is none of ours."""
        start, end = f"{self.prefix}.", ".v1"
        source = name.removesuffix(DEAD)
        if source.startswith(start) and source.endswith(end) and len(source) > len(start) + len(end):
            return source[len(start) : -len(end)] + name[len(source) :]
        return None

    def group(self, name: str) -> str:
        """Groups bear the prefix, too: two installations on one cluster must not rebalance each other."""
        return f"{self.prefix}.{name}"

    def to_kafka(self, partition: TopicPartition) -> aiokafka.TopicPartition:
        return aiokafka.TopicPartition(self.outer(partition.topic), partition.partition)

    def from_kafka(self, partition: aiokafka.TopicPartition) -> TopicPartition:
        return TopicPartition(self.inner(partition.topic) or partition.topic, partition.partition)

    def records(self, fetched: Mapping[aiokafka.TopicPartition, list[aiokafka.ConsumerRecord]]) -> list[Record]:
        """What a consumer's ``getmany`` returned, in our words."""
        out: list[Record] = []
        for source, records in fetched.items():
            topic, partition = self.from_kafka(source)
            out.extend(
                Record(topic, partition, r.offset, r.key or b"", r.value, _headers(r.headers), r.timestamp)
                for r in records
            )
        return out


def _headers(given: Sequence[tuple[str, bytes | None]]) -> Headers:
    """Kafka's own clients may leave a header without a value."""
    if any(value is None for _, value in given):
        return tuple((name, value or b"") for name, value in given)
    return cast(Headers, tuple(given))


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the log is, under which names, and how we meet it."""

    bootstrap: str
    names: Names
    settings: KafkaSettings

    @property
    def timeout(self) -> float:
        return self.settings.timeout

    @property
    def timeout_ms(self) -> int:
        return int(self.settings.timeout * 1000)


@contextmanager
def translated(expected: str) -> Iterator[None]:
    """
    Let no exception of the driver out of the block.

    Raises:
        LogUnavailable: the cluster did not do what was ``expected``, or not in time.
        LogError: a position was asked for that is not there.

    """
    try:
        yield
    except OffsetOutOfRangeError as error:
        raise LogError(
            f"expected records at {error}, but they are not there (any more): seek to `first` or later"
        ) from error
    except TimeoutError as error:
        raise LogUnavailable(f"expected {expected}, but nobody answered in time") from error
    except DRIVER_ERRORS as error:
        raise LogUnavailable(f"expected {expected}, but: {error!r}") from error


def is_fence(error: BaseException) -> bool:
    """Whether ``error``, or what caused it, is the cluster's word that somebody else owns a transactional id."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _FENCES):
            return True
        seen = seen.__cause__
    return False
