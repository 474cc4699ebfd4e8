"""What a log checks before it writes anything: that a write makes sense, and that every record fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.log.port import Batch, LogError, Message, RecordTooLarge, TopicMissing, TopicPartition


def admit(batches: Sequence[Batch], limit: int) -> int:
    """
    The bytes of ``batches``; refuses them as a whole, before any is written.

    Raises:
        RecordTooLarge: a record has more than ``limit`` bytes.
        ValueError: there is nothing to write, or two batches are for one partition.

    """
    partitions = {(batch.topic, batch.partition) for batch in batches}
    if len(partitions) != len(batches):
        raise ValueError(f"expected one batch per partition, but got {[batch[:2] for batch in batches]}")
    if not any(batch.messages for batch in batches):
        raise ValueError("expected at least one message to write, but got none")
    total = 0
    for batch in batches:
        for message in batch.messages:
            size = record_size(message)
            if size > limit:
                raise RecordTooLarge(batch.topic, message.key, size, limit)
            total += size
    return total


def record_size(message: Message) -> int:
    """The bytes of key, value and headers together."""
    size = len(message.key) + len(message.value or b"")
    for name, value in message.headers:
        size += len(name.encode()) + len(value)
    return size


def require(partition: TopicPartition, counts: Mapping[str, int]) -> None:
    """
    Raise unless ``partition`` is one of those that exist.

    Raises:
        TopicMissing: there is no such topic.
        LogError: the topic has fewer partitions.

    """
    count = counts.get(partition.topic)
    if count is None:
        raise TopicMissing(partition.topic)
    if not 0 <= partition.partition < count:
        raise LogError(
            f"expected a partition of topic {partition.topic!r} below {count}, but got {partition.partition}"
        )
