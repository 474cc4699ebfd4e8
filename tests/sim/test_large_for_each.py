"""A for-each over many items, half done: its state is larger than a record, and survives checkpoints and falls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.engine.history import committed
from penstock.engine.owner import Pace
from penstock.engine.replay import verify
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, Record, TopicPartition
from penstock.log.topics import COMMANDS, EVENTS, SNAPSHOTS
from tests.integration.engine.rig import Rig
from tests.sim.invariants import check_digests, replayed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ITEMS = 20_000
WIDTH = 50
SOURCE: dict[str, Any] = {
    "id": "large",
    "version": "1.0.0",
    "steps": {
        "all": {
            "each": "{{ items }}",
            "at_once": 20,
            "do": {"work": {"task": "work", "input": "{{ index }}"}},
            "collect": "{{ steps.work }}",
            "into": "results",
            "next": "after",
        },
        "after": {"task": "after"},
    },
}
MAKE: dict[str, Any] = {"id": "make", "version": "1.0.0", "steps": {"p": {"pass": True}}}


@asynccontextmanager
async def half_done() -> AsyncIterator[tuple[Rig, str]]:
    """An execution that is in the middle of its for-each; a checkpoint after every 100 events."""
    rig = Rig(MemoryLog(), pace=Pace(checkpoint_events=100))
    await rig.prepare()
    await rig.start_engine()
    await rig.publish({**SOURCE, "steps": {**SOURCE["steps"], "all": {**SOURCE["steps"]["all"], "each": ITEMS}}})
    subject = await rig.start("large", padding=["x" * WIDTH] * (700_000 // WIDTH))
    await works(rig, 150)
    yield rig, subject
    await rig.close()


async def works(rig: Rig, results: int) -> None:
    """So many results more, if the engine does not fall."""
    enough = completed(rig) + results
    (running,) = rig._engines.values()
    await rig.work({"work": lambda task: {"was": task.input}}, lambda: running.done() or completed(rig) >= enough)
    if running.done():
        running.result()


def completed(rig: Rig) -> int:
    return sum(isinstance(r.event, e.TaskCompleted) for r in rig.events)


async def snapshots(rig: Rig) -> Sequence[Record]:
    latest = {record.key: record async for record in committed(rig.log, TopicPartition(SNAPSHOTS, 0), 0)}
    return [record for record in latest.values() if record.value is not None]


async def healthy(rig: Rig) -> None:
    """Nobody is at work: what a new owner would find is what the events say."""
    await check_digests(rig.log, 1)
    verdicts = await verify(rig.log)
    assert all(verdict.ok for verdict in verdicts), verdicts
    assert any(verdict.marker_digest for verdict in verdicts)


async def fall(rig: Rig) -> None:
    (engine,) = rig._engines
    await rig.stop_engine(engine)
    await healthy(rig)
    await rig.start_engine()


async def test_its_state_lies_in_parts_and_is_found_again() -> None:
    async with half_done() as (rig, subject):
        await fall(rig)
        parts = [record for record in await snapshots(rig) if record.key.startswith(b"!part/")]
        assert len(parts) >= 2
        assert max(len(record.value or b"") for record in await snapshots(rig)) <= 256 << 10
        await works(rig, 50)
        await fall(rig)
        answer = await rig.ask(c.CompleteStep(step="all"), subject)
        assert answer.outcome == "accepted", answer
        await rig.work({"after": lambda task: None}, rig.ended(subject))
        await rig.close()
        await healthy(rig)
        assert [record for record in await snapshots(rig) if record.key.endswith(subject.encode())] == []
        assert rig.status(subject) == "completed"
        indexes = [r.event.index for r in rig.history(subject) if isinstance(r.event, e.CopyCompleted)]
        assert len(indexes) == len(set(indexes)) >= 200


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_checkpoint_that_breaks_off_between_two_parts_spoils_nothing(lost: int) -> None:
    async with half_done() as (rig, _):
        assert isinstance(rig.log, MemoryLog)
        seen = {"commits": 0}

        def fault(source: TopicPartition, batches: Sequence[Batch]) -> Fault:
            if source.topic == COMMANDS and any(batch.topic == SNAPSHOTS for batch in batches):
                seen["commits"] += 1
                return Fault.LOST if seen["commits"] == lost + 1 else Fault.NONE
            return Fault.NONE

        rig.log.faults.on_commit = fault
        await works(rig, 120)
        assert seen["commits"] > lost
        rig.log.faults.on_commit = None
        await works(rig, 5)
        await rig.close()
        await healthy(rig)


async def test_no_record_of_it_is_near_the_limit() -> None:
    async with half_done() as (rig, _):
        sizes = [len(record.value or b"") async for record in committed(rig.log, TopicPartition(EVENTS, 0), 2)]
        assert max(sizes[2:]) < 80_000
        state = await replayed(rig.log, 0, snapshots=False)
        assert len(list(state.entities)) == 1
