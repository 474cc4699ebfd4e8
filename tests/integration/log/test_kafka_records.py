"""What is written to a real Kafka arrives whole and in order, or is refused by name."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from tests.integration.log.kafka_scene import COMMANDS, EVENTS, OUTPUT, QUICK, SOURCE, batch, owning, values

from penstock.log.kafka import KafkaLog
from penstock.log.port import (
    Batch,
    LogError,
    LogUnavailable,
    Message,
    RecordTooLarge,
    TopicMissing,
    TopicPartition,
    TopicSpec,
)

pytestmark = pytest.mark.anyio


async def test_a_record_that_is_too_large_is_refused_by_name_and_the_next_commit_works(kafka_log: KafkaLog) -> None:
    async with owning(kafka_log) as owner:
        with pytest.raises(RecordTooLarge) as refusal:
            await owner.commit([batch(b"fits", to=SOURCE), batch(b"fits", b"x" * kafka_log.max_record)])
        assert (refusal.value.topic, refusal.value.key) == ("events", b"key")
        await owner.commit([batch(b"next")])
    assert await values(kafka_log) == [b"next"]
    assert await values(kafka_log, SOURCE) == []


async def test_the_largest_record_is_taken(kafka_log: KafkaLog) -> None:
    largest = b"x" * (kafka_log.max_record - len(b"key"))
    async with owning(kafka_log) as owner:
        await owner.commit([batch(largest)])
    await kafka_log.send([batch(largest)])
    assert await values(kafka_log) == [largest, largest]


async def test_what_one_kafka_batch_does_not_hold_comes_through_in_order(kafka_log: KafkaLog) -> None:
    wanted = [b"%03d" % number + b"x" * 100_000 for number in range(35)]
    async with owning(kafka_log) as owner:
        positions = await owner.commit([batch(*wanted), batch(b"other", to=SOURCE)])
    assert await values(kafka_log) == wanted
    async with await kafka_log.reader({OUTPUT: positions[OUTPUT]}) as reader:
        assert (await reader.read())[0].value == wanted[0]


async def test_a_commit_of_which_the_broker_refuses_a_part_records_nothing(kafka_log: KafkaLog) -> None:
    """The driver would commit the rest."""
    await kafka_log.apply([TopicSpec("narrow", 1, retention=None, extra=(("max.message.bytes", "1000"),))])
    narrow = TopicPartition("narrow", 0)
    async with owning(kafka_log) as owner:
        with pytest.raises(LogUnavailable):
            await owner.commit([batch(b"a part"), batch(b"x" * 2000, to=narrow)])
        with pytest.raises(LogUnavailable):
            await owner.commit([batch(b"dead")])
    async with owning(kafka_log) as owner:
        await owner.commit([batch(b"next")])
    assert await values(kafka_log) == [b"next"]
    assert await values(kafka_log, narrow) == []


async def test_what_was_not_committed_is_never_read(kafka_log: KafkaLog, kafka: str) -> None:
    name = kafka_log._cluster.names.outer("events")
    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=name) as stranger:
        await stranger.begin_transaction()
        await (await stranger.send(name, b"aborted", partition=0))
        await stranger.abort_transaction()
    await kafka_log.send([batch(b"committed")])
    async with await kafka_log.reader({OUTPUT: 0}) as reader:
        assert [record.value for record in await reader.read()] == [b"committed"]
        assert reader.position(OUTPUT) == await kafka_log.end(OUTPUT)


async def test_senders_at_the_same_time_each_learn_where_their_own_record_stands(kafka_log: KafkaLog) -> None:
    wanted = [b"%04d" % number for number in range(2000)]
    sent = await asyncio.gather(*(kafka_log.send([batch(value)]) for value in wanted))
    assert await values(kafka_log) == wanted
    async with await kafka_log.reader({OUTPUT: 0}) as reader:
        records = await reader.read(limit=len(wanted))
    at = {record.position: record.value for record in records}
    assert [at[positions[OUTPUT]] for positions in sent[: len(at)]] == wanted[: len(at)]


async def test_key_headers_and_tombstone_come_back_as_they_were_written(kafka_log: KafkaLog) -> None:
    written = Message(b"\x00key", None, (("a", b"1"), ("a", b""), ("ä", b"\xff")))
    await kafka_log.send([Batch("events", 0, [written])])
    async with await kafka_log.reader({OUTPUT: 0}) as reader:
        (record,) = await reader.read()
    assert (record.key, record.value, record.headers) == written


async def test_a_position_that_is_gone_is_an_error_and_no_silent_jump(kafka_log: KafkaLog, kafka: str) -> None:
    await kafka_log.send([batch(*(b"%d" % number for number in range(10)))])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_records({kafka_log._cluster.names.to_kafka(OUTPUT): RecordsToDelete(before_offset=6)})
    await admin.close()
    assert await kafka_log.first(OUTPUT) == 6
    async with await kafka_log.reader({OUTPUT: 2}) as reader:
        with pytest.raises(LogError, match="seek to `first`"):
            await reader.read(wait=5)
        reader.seek(OUTPUT, 6)
        assert [record.value for record in await reader.read(wait=5)] == [b"6", b"7", b"8", b"9"]


async def test_a_missing_topic_is_named_at_once_and_not_created(kafka_log: KafkaLog) -> None:
    """Brokers create topics that are asked for by name, unless they are told not to."""
    absent = TopicPartition("absent", 0)
    before = await kafka_log.topics()
    async with owning(kafka_log) as owner:
        with pytest.raises(TopicMissing):
            await owner.commit([batch(b"value", to=absent)])
        await owner.commit([batch(b"still owned")])
    for asking in (
        kafka_log.send([batch(b"value", to=absent)]),
        kafka_log.first(absent),
        kafka_log.end(absent),
        kafka_log.reader({absent: 0}),
        kafka_log.subscribe("group", ["absent"]),
    ):
        with pytest.raises(TopicMissing):
            await asking
    assert await kafka_log.topics() == before


async def test_compressed_batches_are_read_like_any_others(kafka: str) -> None:
    log = await KafkaLog.open(kafka, prefix="compressed", settings=replace(QUICK, compression="zstd"))
    await log.apply([COMMANDS, EVENTS])
    async with owning(log) as owner:
        await owner.commit([batch(b"committed" * 1000)])
    await log.send([batch(b"sent" * 1000)])
    assert await values(log) == [b"committed" * 1000, b"sent" * 1000]
    await log.close()


async def test_where_nobody_answers_the_log_is_unavailable() -> None:
    with pytest.raises(LogUnavailable):
        await KafkaLog.open("127.0.0.1:1")


async def test_a_header_that_a_foreign_client_left_without_a_value_is_read_as_empty(
    kafka: str, kafka_log: KafkaLog
) -> None:
    foreign = AIOKafkaProducer(bootstrap_servers=kafka)
    await foreign.start()
    try:
        topic = kafka_log._cluster.names.outer("commands")
        await foreign.send_and_wait(topic, b"v", key=b"k", partition=0, headers=[("h", None)])
    finally:
        await foreign.stop()
    async with await kafka_log.reader({TopicPartition("commands", 0): 0}) as reader:
        (record,) = await reader.read(wait=10)
    assert record.headers == (("h", b""),)
