"""Groups on a real Kafka: who serves what, and who is told when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.integration.log.kafka_scene import OUTPUT, batch

from penstock.log.kafka import KafkaLog
from penstock.log.port import LogUnavailable, Membership, TopicPartition

pytestmark = pytest.mark.anyio
BOTH = frozenset({0, 1})
PATIENCE = 30


class Desk:
    """An assignee that writes down what it is told, in a book that all desks share."""

    def __init__(self, name: str, book: Book) -> None:
        self._name, self._book = name, book

    async def assign(self, partitions: frozenset[int]) -> None:
        self._book.write(self._name, partitions)

    async def revoke(self) -> None:
        self._book.write(self._name, None)


class Book:
    """What every desk serves, entry by entry; it fails where two serve the same partition."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, frozenset[int] | None]] = []
        self.serving: dict[str, frozenset[int]] = {}
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.shared: list[tuple[str, frozenset[int]]] = []

    def write(self, name: str, partitions: frozenset[int] | None) -> None:
        self.entries.append((name, partitions))
        if partitions is None:
            del self.serving[name]
        else:
            others = frozenset[int]().union(*(s for n, s in self.serving.items() if n != name))
            if others & partitions:
                self.shared.append((name, partitions))
            self.serving[name] = partitions
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def until(self, serving: dict[str, int]) -> None:
        """Until the named desks, and no others, serve so many partitions each, all of them in sum."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(
                lambda: (
                    {n: len(s) for n, s in self.serving.items()} == serving
                    and frozenset[int]().union(*self.serving.values()) == BOTH
                )
            )

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def joined(log: KafkaLog, name: str, book: Book, member: str = "") -> AsyncIterator[Membership]:
    membership = await log.join("group", "commands", Desk(name, book), member)
    try:
        yield membership
    finally:
        await membership.close()


async def test_two_members_share_and_who_stays_gets_everything(kafka_log: KafkaLog) -> None:
    book = Book()
    async with joined(kafka_log, "A", book):
        await book.until({"A": 2})
        async with joined(kafka_log, "B", book):
            await book.until({"A": 1, "B": 1})
        await book.until({"A": 2})
    assert book.shared == []
    # Never another assignment before everything was given back.
    for name in "AB":
        told = [partitions is None for n, partitions in book.entries if n == name]
        assert told == [i % 2 == 1 for i in range(len(told))]
    assert book.serving == {}


async def test_a_static_member_that_comes_back_in_time_disturbs_nobody(kafka_log: KafkaLog) -> None:
    book = Book()
    async with joined(kafka_log, "B", book, member="b"):
        async with joined(kafka_log, "A", book, member="a"):
            await book.until({"A": 1, "B": 1})
            entries = len(book.entries)
        async with joined(kafka_log, "A again", book, member="a"):
            await book.until({"A again": 1, "B": 1})
        assert [entry for entry in book.entries[entries:] if entry[0] == "B"] == []


async def test_a_failure_of_the_assignee_is_not_swallowed(kafka_log: KafkaLog) -> None:
    failed = asyncio.Event()

    class Broken(Desk):
        async def assign(self, partitions: frozenset[int]) -> None:
            failed.set()
            raise ValueError("cannot serve")

        async def revoke(self) -> None: ...

    membership = await kafka_log.join("group", "commands", Broken("A", Book()))
    async with asyncio.timeout(PATIENCE):
        await failed.wait()
    with pytest.raises(LogUnavailable, match="cannot serve"):
        await membership.close()


async def test_reported_positions_are_there_for_lag_tools(kafka_log: KafkaLog, kafka: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    book = Book()
    async with joined(kafka_log, "A", book) as membership:
        await book.until({"A": 2})
        await membership.report({0: 7, 1: 9})
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        offsets = await admin.list_consumer_group_offsets(kafka_log._cluster.names.group("group"))
        await admin.close()
    names = kafka_log._cluster.names
    assert {names.from_kafka(p): o.offset for p, o in offsets.items() if names.inner(p.topic)} == {
        TopicPartition("commands", 0): 7,
        TopicPartition("commands", 1): 9,
    }


async def test_a_subscription_reads_again_what_was_not_committed(kafka_log: KafkaLog) -> None:
    positions = await kafka_log.send([batch(b"1", b"2", b"3")])
    first = await kafka_log.subscribe("readers", ["events"])
    read: list[bytes | None] = []
    while len(read) < 3:
        read += [record.value for record in await first.read(wait=PATIENCE)]
    await first.commit({OUTPUT: positions[OUTPUT] + 1})
    await first.close()
    second = await kafka_log.subscribe("readers", ["events"])
    again = [record.value for record in await second.read(wait=PATIENCE)]
    await second.close()
    assert (read, again[0]) == ([b"1", b"2", b"3"], b"2")


async def test_a_failing_on_revoke_is_raised_by_the_next_read(kafka_log: KafkaLog) -> None:
    async def fail() -> None:
        raise ValueError("cannot let go")

    first = await kafka_log.subscribe("readers", ["events"], fail)
    while not first.assigned():
        await first.read(wait=0.1)
    second = await kafka_log.subscribe("readers", ["events"])

    async def read_on() -> None:
        while True:
            await asyncio.gather(first.read(wait=0.1), second.read(wait=0.1))

    with pytest.raises(ValueError, match="cannot let go"):
        await asyncio.wait_for(read_on(), PATIENCE)
    await first.close()
    await second.close()
