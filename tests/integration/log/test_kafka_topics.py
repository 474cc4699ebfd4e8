"""How the topics of a real Kafka are made and checked."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from launcher import CannotStart, console_classpath, java
from tests.integration.log.kafka_scene import COMMANDS, EVENTS

from penstock.log.kafka import KafkaLog
from penstock.log.port import Cleanup, TopicSpec
from penstock.log.topics import product_topics

pytestmark = pytest.mark.anyio


async def test_the_topics_of_the_product_are_made_once_and_then_found_right(kafka_log: KafkaLog) -> None:
    specs = product_topics(2)
    created = await kafka_log.apply(specs)
    assert set(created) == {spec.name for spec in specs} - {"commands", "events"}
    assert await kafka_log.apply(specs) == []
    differences = await kafka_log.check([spec for spec in specs if spec.name != "commands"])
    assert differences == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (TopicSpec("absent", 2, retention=None), ["'absent'", "penstock topics apply"]),
        (TopicSpec("events", 3, retention=None), ["3 partitions", "it has 2", "another prefix", "replay"]),
        (TopicSpec("events", 2, retention=60), ["retention.ms=60000", "it has -1", "kafka-configs"]),
        (TopicSpec("commands", 2, retention=None), ["retention.ms=-1", "must be kept for ever", "kafka-configs"]),
        (
            TopicSpec("events", 2, retention=None, cleanup=Cleanup.COMPACT),
            ["cleanup.policy=compact", "it has delete", "kafka-configs"],
        ),
        (
            TopicSpec("events", 2, retention=None, append_time=True),
            ["message.timestamp.type=LogAppendTime", "it has CreateTime", "kafka-configs"],
        ),
        (
            TopicSpec("events", 2, retention=None, extra=(("segment.ms", "60000"),)),
            ["segment.ms=60000", "kafka-configs"],
        ),
    ],
    ids=["missing", "partitions", "retention", "for ever", "cleanup", "append time", "extra"],
)
async def test_check_finds_what_is_wrong_and_says_what_mends_it(
    kafka_log: KafkaLog, wanted: TopicSpec, words: list[str]
) -> None:
    differences = await kafka_log.check([wanted])
    # The commands topic differs in its time stamps as well.
    (sentence,) = [difference for difference in differences if words[0] in difference]
    assert [word for word in words if word not in sentence] == []


async def test_an_events_topic_that_forgets_is_refused_by_name(kafka_log: KafkaLog) -> None:
    await kafka_log.apply([TopicSpec("forgetful", 1, retention=60, cleanup=Cleanup.COMPACT)])
    differences = await kafka_log.check([TopicSpec("forgetful", 1, retention=None)])
    assert len(differences) == 2
    assert all("'forgetful'" in each and "destroys records" in each for each in differences)


async def test_events_and_commands_need_as_many_partitions(kafka: str) -> None:
    log = await KafkaLog.open(kafka, prefix="uneven")
    commands = TopicSpec("commands", 2, retention=3600, append_time=True)
    try:
        await log.apply([commands, TopicSpec("events", 3, retention=None)])
        differences = await log.check([COMMANDS, EVENTS])
        assert any("as many partitions" in each and "'commands'" in each for each in differences)
    finally:
        await log.close()


async def test_a_topic_that_takes_only_small_records_is_found(kafka_log: KafkaLog) -> None:
    await kafka_log.apply([TopicSpec("narrow", 1, retention=None, extra=(("max.message.bytes", "1000"),))])
    (sentence,) = await kafka_log.check([TopicSpec("narrow", 1, retention=None)])
    assert "max.message.bytes=1048588" in sentence


async def test_the_command_that_a_difference_names_mends_it(kafka_log: KafkaLog) -> None:
    """Run as it stands, with Kafka's own tool."""
    wanted = TopicSpec("events", 2, retention=60)
    (sentence,) = await kafka_log.check([wanted])
    command = re.search(r"`(.*)`", sentence)
    assert command is not None
    program, *arguments = shlex.split(command[1])
    assert program == "kafka-configs.sh"
    try:
        tool = [java(), "-cp", console_classpath(), "kafka.admin.ConfigCommand"]
    except CannotStart as error:
        pytest.skip(str(error))
    subprocess.run([*tool, *arguments], check=True, capture_output=True)
    # Brokers hear of it from the controller.
    while await kafka_log.check([wanted]):
        pass
