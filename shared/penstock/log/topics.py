"""The topics of the product: what each is for, how it is kept, and how a key finds its partition (design §2)."""

from __future__ import annotations

from functools import lru_cache

from penstock.log.port import Cleanup, TopicSpec

COMMANDS = "commands"
EVENTS = "events"
ANSWERS = "answers"
SNAPSHOTS = "snapshots"
CATALOG_COMMANDS = "catalog-commands"
CATALOG = "catalog"
CATALOG_ANSWERS = "catalog-answers"
TASKS_CONTROL = "tasks.control"
DEFAULT_QUEUE = "default"

DAY = 24 * 3600
_SNAPSHOT_SEGMENTS = (("segment.bytes", str(64 << 20)), ("segment.ms", str(3600_000)))


def tasks_topic(queue: str) -> str:
    return f"tasks.{queue}"


def dead_letters(topic: str) -> str:
    return f"{topic}.dlq"


def queue_topics(queue: str, partitions: int) -> tuple[TopicSpec, TopicSpec]:
    """The task topic of a queue and its dead letters."""
    topic = tasks_topic(queue)
    return (
        TopicSpec(topic, partitions, retention=7 * DAY),
        TopicSpec(dead_letters(topic), partitions, retention=30 * DAY),
    )


def product_topics(partitions: int) -> tuple[TopicSpec, ...]:
    """Every topic that has to exist before an engine starts; those of further queues come with their definitions."""
    return (
        TopicSpec(COMMANDS, partitions, retention=7 * DAY, append_time=True),
        TopicSpec(EVENTS, partitions, retention=None),
        TopicSpec(ANSWERS, partitions, retention=DAY),
        TopicSpec(SNAPSHOTS, partitions, retention=None, cleanup=Cleanup.COMPACT, extra=_SNAPSHOT_SEGMENTS),
        TopicSpec(CATALOG_COMMANDS, 1, retention=7 * DAY, append_time=True),
        TopicSpec(CATALOG, 1, retention=None),
        TopicSpec(CATALOG_ANSWERS, 1, retention=DAY),
        *queue_topics(DEFAULT_QUEUE, partitions),
        TopicSpec(TASKS_CONTROL, 1, retention=DAY),
        TopicSpec(dead_letters(COMMANDS), partitions, retention=30 * DAY),
        TopicSpec(dead_letters(CATALOG_COMMANDS), 1, retention=30 * DAY),
    )


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of ``key``: murmur2 as Kafka's own Java producer does it, so that foreign producers agree."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Kafka's ``Utils.murmur2`` as an unsigned 32-bit number."""
    length = len(data)
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = length - whole
    if rest == 3:
        h ^= data[whole + 2] << 16
    if rest >= 2:
        h ^= data[whole + 1] << 8
    if rest >= 1:
        h = (h ^ data[whole]) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)
