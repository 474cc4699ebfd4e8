"""Logs on a real Kafka, each under a prefix of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from tests.integration.log.kafka_scene import COMMANDS, EVENTS, QUICK

from penstock.log.kafka import KafkaLog


@pytest.fixture
async def kafka_log(kafka: str) -> AsyncIterator[KafkaLog]:
    """A log with commands and events in two partitions, which gives up soon."""
    log = await KafkaLog.open(kafka, prefix=f"t{uuid4().hex}", settings=QUICK)
    await log.apply([COMMANDS, EVENTS])
    yield log
    await log.close()
