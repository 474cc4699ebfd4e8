"""What every log promises about records, positions and topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest

from penstock.log.port import (
    Batch,
    Cleanup,
    Message,
    Record,
    RecordTooLarge,
    TopicMissing,
    TopicPartition,
    TopicSpec,
)
from tests.contract.logs import PATIENCE, SURVIVING, Home, batch, by_topic, collect, everything, marks, spec, values

pytestmark = pytest.mark.anyio

ONE = TopicPartition("one", 0)


async def test_records_of_a_partition_are_read_in_the_order_in_which_they_were_written(home: Home) -> None:
    log = await home.open(spec("one"))
    owner = await log.take(ONE, marks("one"))
    written = []
    for number in range(6):
        written += [b"%d-%d" % (number, index) for index in range(3)]
        await (log.send if number % 2 else owner.commit)([batch("one", *written[-3:])])
    assert await everything(log, "one") == written


async def test_positions_grow_and_never_change(home: Home) -> None:
    log = await home.open(spec("one"))
    await log.send([batch("one", b"a", b"b")])
    await log.send([batch("one", b"c")])
    async with await log.reader({ONE: 0}) as reader:
        before = await collect(reader, 3)
    await log.send([batch("one", b"d")])
    async with await log.reader({ONE: 0}) as reader:
        after = await collect(reader, 4)
    positions = [record.position for record in after]
    assert positions == sorted(set(positions))
    assert after[:3] == before


async def test_a_write_tells_the_position_of_the_first_record_of_each_batch(home: Home) -> None:
    log = await home.open(spec("one"), spec("two", 2))
    await log.send([batch("one", b"earlier")])
    owner = await log.take(ONE, marks("one"))
    wrote = [batch("one", b"a", b"b"), batch("two", b"c", partition=1)]
    for write in (log.send, owner.commit):
        firsts = await write(wrote)
        assert set(firsts) == {ONE, TopicPartition("two", 1)}
        async with await log.reader(firsts) as reader:
            found = await collect(reader, 3)
        assert by_topic(found) == {"one": [b"a", b"b"], "two": [b"c"]}
        assert {TopicPartition(r.topic, r.partition): r.position for r in reversed(found)} == firsts


async def test_a_reader_begins_wherever_it_is_told_to(home: Home) -> None:
    log = await home.open(spec("one"))
    await log.send([batch("one", *(b"%d" % number for number in range(10)))])
    async with await log.reader({ONE: 0}) as reader:
        records = await collect(reader, 10)
        for start in (7, 0, 9, 3):
            reader.seek(ONE, records[start].position)
            assert reader.position(ONE) == records[start].position
            assert await collect(reader, 10 - start) == records[start:]
    async with await log.reader({ONE: records[4].position}) as reader:
        assert await collect(reader, 6) == records[4:]


async def test_a_read_gives_no_more_than_its_limit_and_goes_on_where_it_stopped(home: Home) -> None:
    log = await home.open(spec("one"))
    await log.send([batch("one", *(b"%d" % number for number in range(10)))])
    found: list[Record] = []
    async with await log.reader({ONE: 0}) as reader:
        while len(found) < 10:
            part = await reader.read(limit=3, wait=PATIENCE)
            assert 1 <= len(part) <= 3
            found += part
            assert reader.position(ONE) > part[-1].position
    assert values(found) == [b"%d" % number for number in range(10)]


async def test_a_reader_of_many_partitions_neglects_none(home: Home) -> None:
    log = await home.open(spec("many", 3))
    for number in range(3):
        await log.send([batch("many", *(b"x" for _ in range(50)), partition=number)])
    found: list[Record] = []
    async with await log.reader({TopicPartition("many", number): 0 for number in range(3)}) as reader:
        while len(found) < 150:
            found += await reader.read(limit=10, wait=PATIENCE)
    assert {number: sum(record.partition == number for record in found) for number in range(3)} == {0: 50, 1: 50, 2: 50}


async def test_a_reader_that_has_read_everything_is_at_the_end(home: Home) -> None:
    log = await home.open(spec("one"))
    assert await log.first(ONE) == await log.end(ONE)
    owner = await log.take(ONE, marks("one"))
    await owner.commit([batch("one", b"a", b"b")])
    async with await log.reader({ONE: 0}) as reader:
        await collect(reader, 4)
        async with asyncio.timeout(PATIENCE):
            while reader.position(ONE) < await log.end(ONE):
                await reader.read(wait=0.05)
        assert reader.position(ONE) == await log.end(ONE)
        assert not await reader.read()


async def test_the_oldest_record_is_at_first(home: Home) -> None:
    log = await home.open(spec("one"))
    await log.send([batch("one", b"a")])
    async with await log.reader({ONE: 0}) as reader:
        (record,) = await collect(reader, 1)
    assert await log.first(ONE) == record.position


async def test_a_reader_that_waits_is_woken_by_what_another_process_writes(home: Home) -> None:
    log, other = await home.open(spec("one")), await home.open()
    async with await log.reader({ONE: 0}) as reader:
        assert not await reader.read()
        waiting = asyncio.ensure_future(reader.read(wait=PATIENCE))
        await asyncio.sleep(0)
        await other.send([batch("one", b"sent")])
        assert values(await waiting) == [b"sent"]
        owner = await other.take(ONE, marks("one"))
        await collect(reader, 2)
        waiting = asyncio.ensure_future(reader.read(wait=PATIENCE))
        await asyncio.sleep(0)
        await owner.commit([batch("one", b"committed")])
        assert values(await waiting) == [b"committed"]


async def test_a_read_that_was_given_up_loses_nothing(home: Home) -> None:
    log = await home.open(spec("one"))
    async with await log.reader({ONE: 0}) as reader:
        for number in range(20):
            waiting = asyncio.ensure_future(reader.read(wait=PATIENCE))
            for _ in range(number % 4):
                await asyncio.sleep(0)
            sending = asyncio.ensure_future(log.send([batch("one", b"%d" % number)]))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await sending
            if waiting.cancelled():
                assert values(await collect(reader, 1)) == [b"%d" % number]


async def test_bytes_come_back_as_they_went(home: Home) -> None:
    log = await home.open(spec("one"), spec("compact", cleanup=Cleanup.COMPACT))
    all_bytes = bytes(range(256))
    messages = [
        Message(b"plain", b"value"),
        Message(all_bytes, all_bytes, (("h", all_bytes), ("h", b"again"), ("empty", b""), ("größe", b"\x00"))),
        Message(b"empty", b""),
        Message(b"", b"no key"),
    ]
    await log.send([Batch("one", 0, messages), Batch("compact", 0, [Message(b"gone", None)])])
    async with await log.reader({ONE: 0}) as reader:
        found = await collect(reader, len(messages))
    assert [Message(record.key, record.value, tuple(record.headers)) for record in found] == messages
    async with await log.reader({TopicPartition("compact", 0): 0}) as reader:
        (tombstone,) = await collect(reader, 1)
    assert (tombstone.key, tombstone.value) == (b"gone", None)


async def test_the_log_sets_the_time_where_the_topic_says_so(home: Home) -> None:
    log = await home.open(spec("timed", append_time=True))
    before = time.time_ns() // 1_000_000
    await log.send([batch("timed", b"a")])
    after = time.time_ns() // 1_000_000
    async with await log.reader({TopicPartition("timed", 0): 0}) as reader:
        (record,) = await collect(reader, 1)
    assert before <= record.time <= after


async def test_the_largest_record_is_taken_and_one_byte_more_is_refused_by_name(home: Home) -> None:
    log = await home.open(spec("one"), spec("two"))
    owner = await log.take(ONE, marks("one"))
    largest = bytes(log.max_record - len(b"key"))
    for write in (log.send, owner.commit):
        await write([batch("one", largest)])
        with pytest.raises(RecordTooLarge) as refusal:
            await write([batch("two", b"fits"), batch("one", b"fits", largest + b"x")])
        assert (refusal.value.topic, refusal.value.key) == ("one", b"key")
        assert (refusal.value.size, refusal.value.limit) == (log.max_record + 1, log.max_record)
    assert await everything(log, "one") == [largest, largest]
    assert await everything(log, "two") == []


async def test_a_missing_topic_is_named_and_at_once(home: Home) -> None:
    log = await home.open(spec("one"))
    missing = TopicPartition("missing", 0)
    owner = await log.take(ONE, marks("one"))
    attempts: list[Awaitable[object]] = [
        log.send([batch("missing", b"a")]),
        owner.commit([batch("one", b"nothing of this"), batch("missing", b"a")]),
        log.reader({missing: 0}),
        log.first(missing),
        log.end(missing),
        log.take(missing, marks("missing")),
        log.subscribe(home.group, ["missing"]),
    ]
    for attempt in attempts:
        async with asyncio.timeout(5):
            with pytest.raises(TopicMissing) as refusal:
                await attempt
        assert refusal.value.topic == "missing"
    assert await everything(log, "one") == []


async def test_concurrent_sends_are_all_written_once(home: Home) -> None:
    log = await home.open(spec("one"))
    firsts = await asyncio.gather(*(log.send([batch("one", b"%d" % number)]) for number in range(100)))
    async with await log.reader({ONE: 0}) as reader:
        found = await collect(reader, 100)
    assert {record.position: record.value for record in found} == {
        first[ONE]: b"%d" % number for number, first in enumerate(firsts)
    }


async def test_a_compacted_topic_keeps_the_last_record_of_every_key(home: Home) -> None:
    log = await home.open(spec("compact", cleanup=Cleanup.COMPACT))
    for number in range(5):
        messages = [Message(b"a", b"%d" % number), Message(b"b", b"%d" % number), Message(b"c%d" % number, b"once")]
        await log.send([Batch("compact", 0, messages)])
    await log.send([Batch("compact", 0, [Message(b"b", None)])])
    async with await log.reader({TopicPartition("compact", 0): 0}) as reader:
        found: list[Record] = []
        while not found or (found[-1].key, found[-1].value) != (b"b", None):
            found += await collect(reader, 1)
    assert [record.position for record in found] == sorted({record.position for record in found})
    assert {record.key: record.value for record in found} == {
        b"a": b"4",
        b"b": None,
        **{b"c%d" % number: b"once" for number in range(5)},
    }


@pytest.mark.parametrize("home", SURVIVING, indirect=True)
async def test_records_and_positions_survive_a_restart(home: Home) -> None:
    log = await home.open(spec("one"))
    await log.send([batch("one", b"a", b"b")])
    owner = await log.take(ONE, marks("one"))
    await owner.commit([batch("one", b"c")])
    async with await log.reader({ONE: 0}) as reader:
        before = await collect(reader, 5)
    await log.close()
    await log.close()
    log = await home.open()
    async with await log.reader({ONE: 0}) as reader:
        assert await collect(reader, 5) == before
    later = await log.send([batch("one", b"d")])
    assert later[ONE] > before[-1].position
    assert (await log.take(ONE, marks("one"))).epoch > owner.epoch


async def test_topics_are_created_once(home: Home) -> None:
    log = await home.open()
    assert await log.topics() == {}
    assert await log.apply([spec("one", 2)]) == ["one"]
    await log.send([batch("one", b"kept")])
    assert await log.apply([spec("one", 2), spec("two")]) == ["two"]
    assert await log.apply([spec("one", 2), spec("two")]) == []
    assert await log.topics() == {"one": 2, "two": 1}
    assert await everything(log, "one") == [b"kept"]


async def test_check_is_content_with_what_apply_made(home: Home) -> None:
    log = await home.open()
    specs = [
        spec("events", 2),
        spec("commands", 2, retention=3600, append_time=True),
        spec("snapshots", cleanup=Cleanup.COMPACT),
    ]
    await log.apply(specs)
    assert list(await log.check(specs)) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, ("events", "topics apply")),
        (spec("events", 3), ("events", "2", "3")),
        (spec("events", 2, retention=3600), ("events", "3600")),
        (spec("events", 2, cleanup=Cleanup.COMPACT), ("events", "compact")),
    ],
    ids=["missing", "partitions", "retention", "compaction"],
)
async def test_check_names_every_difference(home: Home, found: TopicSpec | None, words: tuple[str, ...]) -> None:
    log = await home.open(spec("other"), *([found] if found is not None else []))
    sentences = await log.check([spec("events", 2), spec("other")])
    assert sentences
    for sentence in sentences:
        assert "events" in sentence
    assert all(any(word in sentence for sentence in sentences) for word in words), sentences
