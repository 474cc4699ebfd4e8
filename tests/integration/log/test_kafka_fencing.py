"""Who lost a partition writes nothing to it, whatever was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.integration.log.kafka_scene import Gate, batch, interleavings, mark, owning, values

from penstock.log.kafka import KafkaLog
from penstock.log.kafka_ownership import KafkaOwnership
from penstock.log.port import Batch, Fenced, LogError, LogUnavailable, TopicPartition, TopicSpec

pytestmark = pytest.mark.anyio
STEPS = ("start 0", "start 1", "mark 0", "mark 1")
ORDERS = interleavings([("A", step) for step in STEPS], [("B", step) for step in STEPS])


@pytest.mark.parametrize("request_under_way", ["AddPartitionsToTxnRequest", "ProduceRequest", "EndTxnRequest"])
async def test_a_zombie_with_a_commit_in_flight_is_fenced(kafka_log: KafkaLog, request_under_way: str) -> None:
    async with owning(kafka_log) as zombie:
        await zombie.commit([batch(b"before")])
        gate = Gate(zombie, request_under_way)
        commit = asyncio.create_task(zombie.commit([batch(b"zombie")]))
        await gate.reached.wait()
        async with owning(kafka_log) as owner:
            assert owner.epoch > zombie.epoch
            gate.open()
            with pytest.raises(Fenced):
                await commit
            await owner.commit([batch(b"after")])
        with pytest.raises(Fenced):
            await zombie.commit([batch(b"again")])
    assert await values(kafka_log) == [b"before", b"after"]


async def test_a_commit_whose_answer_was_lost_is_of_unknown_outcome_and_not_fenced(kafka_log: KafkaLog) -> None:
    """The second attempt at its end is refused because of the new owner, but the first had come through."""
    async with owning(kafka_log) as old:
        gate = Gate(old, "EndTxnRequest", answer=True)
        commit = asyncio.create_task(old.commit([batch(b"recorded")]))
        await gate.reached.wait()
        async with owning(kafka_log) as owner:
            gate.open()
            with pytest.raises(LogUnavailable):
                await commit
            await owner.commit([batch(b"after")])
    assert await values(kafka_log) == [b"recorded", b"after"]


async def test_a_cancelled_commit_ends_the_ownership(kafka_log: KafkaLog) -> None:
    async with owning(kafka_log) as owner:
        gate = Gate(owner, "EndTxnRequest")
        commit = asyncio.create_task(owner.commit([batch(b"unknown")]))
        await gate.reached.wait()
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        with pytest.raises(LogUnavailable):
            await owner.commit([batch(b"next")])


async def test_what_a_discarded_owner_had_under_way_never_comes_through_later(kafka_log: KafkaLog) -> None:
    async with owning(kafka_log) as owner:
        gate = Gate(owner, "EndTxnRequest")
        commit = asyncio.create_task(owner.commit([batch(b"unknown")]))
        await gate.reached.wait()
        commit.cancel()
        await asyncio.wait([commit])
        await owner.release()
        gate.open()
    async with owning(kafka_log) as owner:
        await owner.commit([batch(b"next")])
    assert await values(kafka_log) == [b"next"]


@pytest.mark.parametrize("at_once", [True, False], ids=["commits at once", "commits when both are ready"])
async def test_of_two_owners_at_the_same_moment_one_at_most_can_commit_and_it_sees_what_the_other_did(
    kafka_log: KafkaLog, at_once: bool
) -> None:
    """
    In every order of their four steps each.

    A contender that has taken its last step reads the log to its end, as an engine would, and commits at once or not;
    after all steps both try.
    """
    count = len(ORDERS)
    assert count == 70
    await kafka_log.apply([TopicSpec("sources", count, retention=3600), TopicSpec("outputs", count, retention=None)])
    limit = asyncio.Semaphore(6)

    async def bounded(number: int) -> None:
        async with limit:
            await contend(kafka_log, number, at_once)

    await asyncio.gather(*(bounded(number) for number in range(count)))


class Contender:
    """One of two that take the same partition, step by step; it stops at its first error, as an engine would."""

    def __init__(self, name: str, log: KafkaLog, number: int, at_once: bool) -> None:
        self._name, self._log, self._at_once = name, log, at_once
        self.output = TopicPartition("outputs", number)
        self.ownership: KafkaOwnership = log.ownership(TopicPartition("sources", number), self._mark)
        self.failed = False
        self.seen: list[bytes] = []
        self.committed: list[bytes] = []

    def _mark(self, epoch: int, turn: int) -> Batch:
        return mark(epoch, turn)._replace(topic=self.output.topic, partition=self.output.partition)

    async def step(self, what: str) -> None:
        verb, turn = what.split()
        if self.failed:
            return
        try:
            await (self.ownership.start if verb == "start" else self.ownership.mark)(int(turn))
        except LogError:
            self.failed = True
            return
        if what == STEPS[-1]:
            self.seen = await values(self._log, self.output)
            if self._at_once:
                await self.commit(f"{self._name} first")

    async def commit(self, value: str) -> bool:
        if self.failed:
            return False
        try:
            await self.ownership.commit([batch(value.encode(), to=self.output)])
        except LogError:
            self.failed = True
        else:
            self.committed.append(value.encode())
        return not self.failed


async def contend(log: KafkaLog, number: int, at_once: bool) -> None:
    order: Sequence[tuple[str, str]] = ORDERS[number]
    contenders = {name: Contender(name, log, number, at_once) for name in "AB"}
    for name, step in order:
        await contenders[name].step(step)
    able = [name for name in contenders if await contenders[name].commit(f"{name} last")]
    written = await values(log, contenders["A"].output)
    for contender in contenders.values():
        await contender.ownership.release()
    assert len(able) <= 1, (order, written)
    assert sorted(written) == sorted(v for c in contenders.values() for v in c.committed), (order, written)
    for contender in contenders.values():
        if contender.committed:
            before = written[: written.index(contender.committed[0])]
            assert contender.seen == before, (order, written)
    last = [name for name, _ in order][-1]
    if all(name == last for name, _ in order[4:]):
        # One after the other, the second has to win.
        assert able == [last], (order, written)
