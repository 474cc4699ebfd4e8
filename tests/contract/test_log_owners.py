"""What every log promises to the owner of an input partition, and to everybody else about him."""

from __future__ import annotations

import asyncio

import pytest

from penstock.log.port import Fenced, Log, LogError, LogUnavailable, Ownership, RecordTooLarge, TopicPartition
from tests.contract.logs import PATIENCE, Home, batch, by_topic, collect, everything, marks, spec, values

pytestmark = pytest.mark.anyio

COMMANDS = TopicPartition("commands", 0)
EVENTS = TopicPartition("events", 0)
TOPICS = (spec("commands"), spec("events"), spec("tasks"), spec("answers"))


async def test_the_epoch_grows_with_every_owner(home: Home) -> None:
    epochs = []
    for _ in range(3):
        log = await home.open(*TOPICS)
        epochs.append((await log.take(COMMANDS, marks("events"))).epoch)
    assert epochs == sorted(set(epochs))


async def test_the_marks_of_both_turns_are_committed_before_take_returns(home: Home) -> None:
    log = await home.open(*TOPICS)
    owner = await log.take(COMMANDS, marks("events"))
    async with await log.reader({EVENTS: 0}) as reader:
        found = await collect(reader, 2)
    assert values(found) == [b"mark %d/%d" % (owner.epoch, turn) for turn in (0, 1)]


async def test_what_one_commit_writes_is_visible_on_all_topics_or_on_none(home: Home) -> None:
    log, watcher = await home.open(*TOPICS), await home.open()
    owner = await log.take(COMMANDS, marks("commands"))
    too_large = bytes(log.max_record + 1)
    committed = [b"%d" % number for number in range(30) if number % 3]

    async def commit_all() -> None:
        for number in range(30):
            last = b"%d" % number if number % 3 else too_large
            batches = [batch("events", b"%d" % number), batch("tasks", b"%d" % number), batch("answers", last)]
            try:
                await owner.commit(batches)
            except RecordTooLarge:
                assert last is too_large

    starts = {TopicPartition(topic, 0): 0 for topic in ("events", "tasks", "answers")}
    async with await watcher.reader(starts) as reader:
        committing = asyncio.ensure_future(commit_all())
        found = by_topic(await collect(reader, 3 * len(committed)))
        await committing
    assert found == {"events": committed, "tasks": committed, "answers": committed}


async def test_a_record_that_is_refused_aborts_the_commit_and_the_ownership_goes_on(home: Home) -> None:
    log = await home.open(*TOPICS)
    owner = await log.take(COMMANDS, marks("events"))
    for _ in range(3):
        with pytest.raises(RecordTooLarge):
            await owner.commit([batch("events", b"refused"), batch("tasks", bytes(log.max_record + 1))])
    await owner.commit([batch("events", b"a"), batch("tasks", b"b")])
    await owner.commit([batch("events", b"c")])
    assert await everything(log, "events") == [b"a", b"c"]
    assert await everything(log, "tasks") == [b"b"]


async def test_a_second_owner_fences_the_first(home: Home) -> None:
    log, other = await home.open(*TOPICS), await home.open()
    first = await log.take(COMMANDS, marks("events"))
    await first.commit([batch("events", b"first")])
    second = await other.take(COMMANDS, marks("events"))
    for _ in range(2):
        with pytest.raises(Fenced):
            await first.commit([batch("events", b"zombie"), batch("tasks", b"zombie")])
    await second.commit([batch("events", b"second")])
    await first.release()
    await second.commit([batch("events", b"third")])
    assert await everything(other, "events") == [b"first", b"second", b"third"]
    assert await everything(other, "tasks") == []


async def test_owners_of_other_partitions_are_left_alone(home: Home) -> None:
    log, other = await home.open(spec("commands", 2), spec("events", 2)), await home.open()
    first = await log.take(COMMANDS, marks("events"))
    second = await other.take(TopicPartition("commands", 1), marks("events", 1))
    for number in range(3):
        await first.commit([batch("events", b"%d" % number)])
        await second.commit([batch("events", b"%d" % number, partition=1)])
    assert await everything(log, "events") == [b"0", b"1", b"2"]
    assert await everything(log, "events", 1) == [b"0", b"1", b"2"]


async def test_a_new_owner_sees_all_that_the_old_one_committed_and_nothing_comes_after(home: Home) -> None:
    log, other = await home.open(*TOPICS), await home.open()
    old = await log.take(COMMANDS, marks("events"))
    acknowledged: list[bytes] = []
    enough = asyncio.Event()

    async def commit_until_fenced() -> None:
        number = 0
        while True:
            value = b"old %d" % number
            try:
                await old.commit([batch("events", value), batch("tasks", value)])
            except (Fenced, LogUnavailable):
                return
            acknowledged.append(value)
            number += 1
            if number == 10:
                enough.set()

    async with asyncio.timeout(PATIENCE):
        committing = asyncio.ensure_future(commit_until_fenced())
        await enough.wait()
        new = await other.take(COMMANDS, marks("events"))
        end = await other.end(EVENTS)
        async with await other.reader({EVENTS: 0}) as reader:
            seen = []
            while reader.position(EVENTS) < end:
                seen += values(await reader.read(wait=0.05))
        await new.commit([batch("events", b"new")])
        await committing
    work = [value for value in seen if value is not None and not value.startswith(b"mark")]
    assert work[: len(acknowledged)] == acknowledged
    assert len(work) <= len(acknowledged) + 1  # one commit may have come through without its acknowledgement
    assert await everything(other, "events") == [*work, b"new"]
    assert await everything(other, "tasks") == work


async def test_of_owners_who_take_at_the_same_time_only_one_can_write(home: Home) -> None:
    logs = [await home.open(*TOPICS), await home.open()]
    for contest in range(8):
        taken = await asyncio.gather(
            *(_take(log, late * contest) for late, log in enumerate(logs)), return_exceptions=True
        )
        owners = [owner for owner in taken if not isinstance(owner, BaseException)]
        assert all(isinstance(loser, LogError) for loser in taken if isinstance(loser, BaseException)), taken
        decided = [await _decide(owner, b"command %d" % contest) for owner in owners]
        assert decided.count(True) <= 1
        # However it ended, somebody can go on.
        next_owner = await logs[contest % 2].take(COMMANDS, marks("events"))
        await next_owner.commit([batch("events", b"after %d" % contest)])
    found = await everything(logs[0], "events")
    assert len(found) == len(set(found))
    assert [value for value in found if value and value.startswith(b"after")] == [b"after %d" % at for at in range(8)]


async def _take(log: Log, late: int) -> Ownership:
    """Start ``late`` x 2 ms after the other: no order is meant, only that every contest is another one."""
    await asyncio.sleep(late * 0.002)
    return await log.take(COMMANDS, marks("events"))


async def _decide(owner: Ownership, command: bytes) -> bool:
    try:
        await owner.commit([batch("events", command)])
    except (Fenced, LogUnavailable):
        return False
    return True


async def test_who_has_released_writes_no_more(home: Home) -> None:
    log = await home.open(*TOPICS)
    owner = await log.take(COMMANDS, marks("events"))
    await owner.commit([batch("events", b"a")])
    await owner.release()
    await owner.release()
    with pytest.raises((Fenced, LogUnavailable)):
        await owner.commit([batch("events", b"b")])
    again = await log.take(COMMANDS, marks("events"))
    await again.commit([batch("events", b"c")])
    assert await everything(log, "events") == [b"a", b"c"]
