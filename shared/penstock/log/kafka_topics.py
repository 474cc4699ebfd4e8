"""The topics of a Kafka cluster: which exist, how they are kept, from where to where they hold records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from penstock.log import admission
from penstock.log.kafka_driver import MAX_BATCH, Cluster, translated
from penstock.log.port import Cleanup, LogUnavailable, TopicPartition, TopicSpec
from penstock.log.topics import COMMANDS, EVENTS

_POLL = 0.02


class Topics:
    """Asks the cluster about topics, and creates them. Nothing here creates one by merely asking."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._names = cluster, cluster.names
        self._admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap, request_timeout_ms=cluster.timeout_ms)
        self._known: dict[str, int] = {}

    async def start(self) -> None:
        try:
            with translated(f"a Kafka broker at {self._cluster.bootstrap}"):
                async with asyncio.timeout(self._cluster.timeout):
                    await self._admin.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._admin.close()

    async def counts(self) -> Mapping[str, int]:
        """The number of partitions of each topic that exists and serves, by logical name."""
        # All topics, and not those we want by name: brokers create what is asked for by name.
        with translated("the list of topics"):
            async with asyncio.timeout(self._cluster.timeout):
                described = await self._admin.describe_topics()
        found = {}
        for topic in described:
            name = self._names.inner(topic["topic"])
            if name is not None and all(p["leader"] >= 0 for p in topic["partitions"]):
                found[name] = len(topic["partitions"])
        self._known = found
        return found

    async def require(self, partitions: Iterable[TopicPartition]) -> None:
        """
        Ask the cluster only about what was not there before.

        Raises:
            TopicMissing: a topic does not exist.
            LogError: it has fewer partitions.

        """
        for partition in partitions:
            if partition.partition >= self._known.get(partition.topic, 0) or partition.partition < 0:
                admission.require(partition, await self.counts())

    async def apply(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        existing = await self.counts()
        missing = [spec for spec in specs if spec.name not in existing]
        if not missing:
            return []
        with translated("topics to be created"):
            async with asyncio.timeout(self._cluster.timeout):
                replication = self._cluster.settings.replication or await self._default_replication()
                topics = [
                    NewTopic(self._names.outer(s.name), s.partitions, replication, topic_configs=configs(s))
                    for s in missing
                ]
                answer = await self._admin.create_topics(topics)
                created = [name for name in map(self._created, answer.topic_errors) if name]
                # The controller knows them before the brokers do.
                while not set(created) <= set(await self.counts()):  # noqa: ASYNC110 - it happens elsewhere
                    await asyncio.sleep(_POLL)
        return created

    async def check(self, specs: Sequence[TopicSpec]) -> Sequence[str]:
        existing = await self.counts()
        wanted = [spec for spec in specs if spec.name in existing]
        found = await self._configs([spec.name for spec in wanted])
        differences = [
            f"expected topic {spec.name!r} to exist, but it does not: run `penstock topics apply`"
            for spec in specs
            if spec.name not in existing
        ]
        for spec in wanted:
            if existing[spec.name] != spec.partitions:
                differences.append(
                    f"expected topic {spec.name!r} to have {spec.partitions} partitions, "
                    f"but it has {existing[spec.name]}: choose another prefix and fill it by replay"
                )
            differences += self._wrong(spec, found[spec.name])
        commands, events = existing.get(COMMANDS), existing.get(EVENTS)
        asked = {spec.name: spec.partitions for spec in specs}
        meant = COMMANDS in asked and EVENTS in asked and asked[COMMANDS] != asked[EVENTS]
        if commands is not None and events is not None and commands != events and not meant:
            differences.append(
                f"expected topic {EVENTS!r} to have as many partitions as {COMMANDS!r}, "
                f"but they have {events} and {commands}: choose another prefix and fill it by replay"
            )
        return differences

    async def _default_replication(self) -> int:
        cluster = await self._admin.describe_cluster()
        return min(3, len(cluster["brokers"]))

    def _created(self, answer: tuple[str, int, str]) -> str | None:
        """The logical name of a topic that was created; None where somebody else was faster."""
        name, code, message = answer
        error = for_code(code)
        if error is TopicAlreadyExistsError:
            return None
        if code:
            raise LogUnavailable(f"expected topic {name!r} to be created, but: {message or error.__name__}")
        return self._names.inner(name)

    async def _configs(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        if not topics:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, self._names.outer(name)) for name in topics]
        with translated("the settings of topics"):
            async with asyncio.timeout(self._cluster.timeout):
                answers: list[Any] = await self._admin.describe_configs(resources)
        found = {}
        for answer in answers:
            for code, message, _type, name, entries in answer.resources:
                if code:
                    raise LogUnavailable(f"expected the settings of topic {name!r}, but: {message}")
                found[self._names.inner(name) or name] = {entry[0]: entry[1] for entry in entries}
        return found

    def _wrong(self, spec: TopicSpec, found: Mapping[str, str]) -> Iterator[str]:
        for name, value in configs(spec).items():
            if found.get(name) != value:
                loss = _loss(spec, name)
                yield (
                    f"expected topic {spec.name!r} to have {name}={value}, "
                    f"but it has {found.get(name)}{loss}: run `{self._alter(spec.name, name, value)}`"
                )
        if int(found["max.message.bytes"]) < MAX_BATCH:
            yield (
                f"expected topic {spec.name!r} to take batches of {MAX_BATCH} bytes, but max.message.bytes is "
                f"{found['max.message.bytes']}: run `{self._alter(spec.name, 'max.message.bytes', '1048588')}`"
            )

    def _alter(self, topic: str, name: str, value: str) -> str:
        return (
            f"kafka-configs.sh --bootstrap-server {self._cluster.bootstrap} --alter --entity-type topics "
            f"--entity-name {self._names.outer(topic)} --add-config {name}={value}"
        )


class Frontier:
    """From where to where partitions hold records."""

    def __init__(self, cluster: Cluster, topics: Topics) -> None:
        self._cluster, self._names, self._topics = cluster, cluster.names, topics
        # A client of its own: behind a reader's long poll every question would wait for its end.
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=cluster.bootstrap,
            isolation_level="read_committed",
            request_timeout_ms=cluster.timeout_ms,
            retry_backoff_ms=20,
        )
        self._written: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        with translated("a Kafka broker"):
            async with asyncio.timeout(self._cluster.timeout):
                await self._consumer.start()

    async def close(self) -> None:
        await self._consumer.stop()

    def wrote(self, partition: TopicPartition, after: int) -> None:
        """Remember that this process has written ``partition`` up to ``after``."""
        self._written[partition] = max(after, self._written.get(partition, 0))

    async def first(self, partition: TopicPartition) -> int:
        await self._topics.require([partition])
        asked = self._names.to_kafka(partition)
        with translated(f"the first position of {partition}"):
            async with asyncio.timeout(self._cluster.timeout):
                return int((await self._consumer.beginning_offsets([asked]))[asked])

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """
        The last stable positions, not before anything that this process was told is committed.

        A commit is acknowledged before the cluster has marked its records as readable: a few milliseconds later the
        end is behind them.
        """
        await self._topics.require(partitions)
        asked = [self._names.to_kafka(partition) for partition in partitions]
        with translated(f"the ends of {list(partitions)}"):
            async with asyncio.timeout(self._cluster.timeout):
                while True:
                    offsets = await self._consumer.end_offsets(asked)
                    found = {p: int(offsets[a]) for p, a in zip(partitions, asked, strict=True)}
                    if all(found[p] >= self._written.get(p, 0) for p in partitions):
                        return found
                    await asyncio.sleep(_POLL / 10)


def configs(spec: TopicSpec) -> dict[str, str]:
    """The settings by which Kafka keeps a topic as ``spec`` says; what is not named is the cluster's."""
    kept = {"retention.ms": str(-1 if spec.retention is None else spec.retention * 1000)}
    if spec.retention is None:
        # For ever means however large, too.
        kept["retention.bytes"] = "-1"
    return kept | {
        "cleanup.policy": str(spec.cleanup),
        "message.timestamp.type": "LogAppendTime" if spec.append_time else "CreateTime",
        **dict(spec.extra),
    }


def _loss(spec: TopicSpec, name: str) -> str:
    """What a wrong setting does to a topic that is the only copy of something."""
    if spec.retention is None and spec.cleanup is Cleanup.DELETE and name.startswith(("retention.", "cleanup.")):
        return ", which destroys records that must be kept for ever (some may be gone already)"
    return ""
