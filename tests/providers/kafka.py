"""A real Apache Kafka for the tests: the one that is named, one in Docker, or one of our own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers import containers

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy" / "kafka-local"))

from launcher import CannotStart, LocalKafka, free_ports

IMAGE = "apache/kafka:4.1.1"


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap address of a broker that all tests share: use topics and groups of your own."""
    named = os.environ.get("PENSTOCK_TEST_KAFKA")
    if named:
        yield named
    elif containers.engine_answers():
        yield from _in_docker()
    else:
        with _local(1) as running:
            yield running.bootstrap


@pytest.fixture
def kafka_node() -> Iterator[LocalKafka]:
    """A single-node Kafka of the test's own, which it may kill and restart."""
    with _local(1) as running:
        yield running


@pytest.fixture
def kafka_nodes() -> Iterator[LocalKafka]:
    """A Kafka of three nodes of the test's own, each of which it may kill and restart."""
    with _local(3) as running:
        yield running


def _local(nodes: int) -> LocalKafka:
    try:
        running = LocalKafka(nodes)
        running.prepare()
    except CannotStart as error:
        pytest.skip(str(error))
    return running


def _in_docker() -> Iterator[str]:
    (port,) = free_ports(1)
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    with containers.container(IMAGE, 9092, port, environment, lambda log: "Kafka Server started" in log):
        yield f"127.0.0.1:{port}"
