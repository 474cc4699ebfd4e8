"""The gateway on a real broker: answers, http queue and single events read from Kafka."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from penstock.log.kafka import KafkaLog
from penstock.log.topics import product_topics
from penstock.sdk.client import Client
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import ORDER, until, whole, work

pytestmark = pytest.mark.anyio


async def test_an_execution_goes_the_whole_way_on_kafka(kafka: str, pool: Pool) -> None:
    log = await KafkaLog.open(kafka, prefix=f"gateway-{uuid4().hex[:10]}")
    try:
        await log.apply(product_topics(2))
        async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
            await client.publish(ORDER)
            await until(lambda: gateway.feed.queues and gateway.feed.ready())
            handles = [await client.start("order", {"n": n}) for n in range(4)]
            for _ in range(8):
                await work(http)
            for handle in handles:
                assert await handle.result(timeout=20) == {"score": 7}
                events = await http.get(f"/api/v1/executions/{handle.id}/events")
                assert [event["sequence"] for event in json.loads(events.content)] == [str(n) for n in range(1, 7)]
    finally:
        await log.close()
