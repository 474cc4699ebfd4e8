"""What goes wrong with a log in memory when it is asked to, and what does not."""

from __future__ import annotations

import asyncio

import pytest

from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, Cleanup, Fenced, LogUnavailable, Message, TopicPartition
from tests.contract.logs import batch, collect, everything, marks, spec, values

pytestmark = pytest.mark.anyio

ONE = TopicPartition("one", 0)


async def _log() -> MemoryLog:
    log = MemoryLog()
    await log.apply([spec("one", 2), spec("input")])
    return log


async def test_a_lost_commit_leaves_nothing_and_ends_the_ownership() -> None:
    log = await _log()
    owner = await log.take(ONE, marks("one"))
    log.faults.commits.extend([Fault.NONE, Fault.LOST])
    await owner.commit([batch("one", b"a")])
    with pytest.raises(LogUnavailable):
        await owner.commit([batch("one", b"b")])
    with pytest.raises(Fenced):
        await owner.commit([batch("one", b"c")])
    assert await everything(log, "one") == [b"a"]


async def test_a_doubtful_commit_is_there_for_the_next_owner() -> None:
    log = await _log()
    owner = await log.take(ONE, marks("one"))
    log.faults.commits.append(Fault.DOUBTFUL)
    with pytest.raises(LogUnavailable):
        await owner.commit([batch("one", b"a")])
    await (await log.take(ONE, marks("one"))).commit([batch("one", b"b")])
    assert await everything(log, "one") == [b"a", b"b"]


async def test_a_take_over_fences_the_commit_that_it_comes_before() -> None:
    log = await _log()
    owner = await log.take(ONE, marks("one"))
    log.faults.on_commit = lambda source, batches: Fault.TAKEN_OVER if source == ONE else Fault.NONE
    with pytest.raises(Fenced):
        await owner.commit([batch("one", b"a")])
    log.faults.on_commit = None
    assert (await log.take(ONE, marks("one"))).epoch == owner.epoch + 2
    assert await everything(log, "one") == []


async def test_sends_are_lost_doubted_or_doubled_as_asked() -> None:
    log = await _log()
    log.faults.sends.extend([Fault.LOST, Fault.DOUBTFUL, Fault.DUPLICATE])
    for value in (b"lost", b"doubtful"):
        with pytest.raises(LogUnavailable):
            await log.send([batch("one", value)])
    await log.send([batch("one", b"double")])
    assert await everything(log, "one") == [b"doubtful", b"double", b"double"]


async def test_a_commit_that_was_given_up_ends_the_ownership() -> None:
    log = await _log()
    owner = await log.take(ONE, marks("one"))
    committing = asyncio.ensure_future(owner.commit([batch("one", b"a")]))
    await asyncio.sleep(0)
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    with pytest.raises(Fenced):
        await owner.commit([batch("one", b"b")])


async def test_an_expired_member_is_not_told_and_its_partitions_go_on() -> None:
    log = await _log()
    crashed = await log.subscribe("group", ["one"])
    before = await log.subscribe("group", ["one"])
    await log.send([batch("one", b"a"), batch("one", b"b", partition=1)])
    await log.expire(crashed)
    assert len(before.assigned()) == 2
    assert {record.value for record in await before.read(wait=1)} == {b"a", b"b"}
    await crashed.commit({ONE: 1, TopicPartition("one", 1): 1})
    assert await log.progress("group") == {}


async def test_a_member_that_never_finishes_its_revoke_is_expired_and_the_group_goes_on() -> None:
    log = await _log()

    async def frozen() -> None:
        await asyncio.Event().wait()

    first = await log.subscribe("group", ["one"], frozen)
    joining = asyncio.ensure_future(log.subscribe("group", ["one"]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not joining.done()
    await log.expire(first)
    assert len((await joining).assigned()) == 2


async def test_times_and_retention_follow_the_clock_that_was_given() -> None:
    now = 0
    log = MemoryLog(clock=lambda: now)
    await log.apply([spec("short", retention=60), spec("for-ever"), spec("compact", cleanup=Cleanup.COMPACT)])
    topics = ("short", "for-ever", "compact")
    for now in (1_000, 2_000, 61_500):
        await log.send([Batch(topic, 0, [Message(b"%d" % now, b"x")]) for topic in topics])
    for topic, times in {"short": [2_000, 61_500], "for-ever": [1_000, 2_000, 61_500]}.items():
        partition = TopicPartition(topic, 0)
        async with await log.reader({partition: 0}) as reader:
            assert [record.time for record in await collect(reader, len(times))] == times
        assert await log.first(partition) == 3 - len(times)


async def test_a_slow_log_keeps_the_order_of_an_owners_commits() -> None:
    log = await _log()
    owner = await log.take(ONE, marks("input"))
    log.faults.latency = lambda: 0.001
    for number in range(3):
        await owner.commit([batch("one", b"%d" % number)])
    async with await log.reader({ONE: 0}) as reader:
        assert values(await collect(reader, 3)) == [b"0", b"1", b"2"]
