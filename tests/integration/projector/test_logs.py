"""The projector on the logs that people run: committed in transactions, followed, proved by a rebuild."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from penstock.domain.partition import OwnershipTaken
from penstock.log.open import open_log
from penstock.log.port import Batch, Log, TopicPartition
from penstock.log.topics import product_topics
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections import executions, positions
from penstock.projector import rebuild
from penstock.tables.pool import Pool
from tests.integration.projector.following import applied, count, following, running, until
from tests.projections.story import batch, recorded, w3

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

COMMITS, EACH = 12, 30


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    if request.param == "kafka":
        opened = await open_log(f"kafka://{request.getfixturevalue('kafka')}", prefix=f"t{uuid4().hex}")
    else:
        opened = await open_log(f"sqlite:{tmp_path / 'log.db'}")
    await opened.apply(product_topics(2))
    yield opened
    await opened.close()


def owned(epoch: int, turn: int) -> Batch:
    taken = OwnershipTaken(owner="test", epoch=epoch, turn=turn)
    return batch([recorded(taken, turn + 1, "partition/0", input_position=0)])


def commit(number: int) -> Sequence[Recorded[Event]]:
    """All events of one transaction carry the same input position."""
    return [event for n in range(EACH) for event in w3(f"x{number}-{n}", input_position=number)]


async def test_committed_transactions_become_rows_that_a_rebuild_confirms(log: Log, pool: Pool) -> None:
    owner = await log.take(TopicPartition("commands", 0), owned)
    async with running(log, pool) as projector:
        for number in range(1, COMMITS):
            await owner.commit([batch(commit(number))])
            if number % 3 == 0:
                await applied(pool, number)
                assert await count(pool, "executions") >= number * EACH
        await applied(pool, COMMITS - 1)
        await until(following(projector))
        assert (projector.counts.stale, projector.counts.malformed) == (0, 0)
        assert (await rebuild.compare(log, pool)).differences == []
    await owner.release()
    assert await executions.count_by_status(pool) == {"completed": (COMMITS - 1) * EACH}
    assert await count(pool, "execution_timeline") == (COMMITS - 1) * EACH * 8


async def test_a_token_is_reached_without_a_later_event(log: Log, pool: Pool) -> None:
    """The last transaction of a quiet log counts as whole although nothing comes after it."""
    owner = await log.take(TopicPartition("commands", 0), owned)
    await owner.commit([batch([msgspec.structs.replace(e, input_position=5) for e in commit(1)])])
    async with running(log, pool):
        await applied(pool, 5)
        found: Any = {s.partition: s for s in await positions.standings(pool)}
        assert found["events", 0].input_position == 5
    await owner.release()
