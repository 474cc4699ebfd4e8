"""A log that was changed afterwards is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.engine.replay import ExecutionNotFound, export, state_at, verify
from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Message, Record, TopicPartition
from penstock.log.topics import CATALOG, EVENTS, SNAPSHOTS, product_topics
from tests.integration.engine.rig import Rig
from tests.integration.engine.test_engine import W3, add

pytestmark = pytest.mark.anyio

Change = Callable[[list[Record]], list[Record]]


@pytest.fixture
async def honest() -> MemoryLog:
    """Two executions ended, one open, and a checkpoint at the end."""
    rig = Rig(MemoryLog())
    await rig.prepare()
    engine = await rig.start_engine()
    await rig.publish(W3)
    executions = [await rig.start("w3", n=n) for n in range(2)]
    await rig.work({"add": add}, rig.ended(*executions))
    await rig.start("w3", n=9)
    await rig.stop_engine(engine)
    assert isinstance(rig.log, MemoryLog)
    return rig.log


async def records(log: MemoryLog, topic: str) -> list[Record]:
    async with await log.reader({TopicPartition(topic, 0): 0}) as reader:
        return list(await reader.read(limit=10_000))


async def copy_of(log: MemoryLog, change: Change) -> MemoryLog:
    copy = MemoryLog()
    await copy.apply(product_topics(1))
    for topic in (CATALOG, EVENTS, SNAPSHOTS):
        found = await records(log, topic)
        changed = change(found) if topic == EVENTS else found
        await copy.send([Batch(topic, 0, [Message(r.key, r.value, r.headers) for r in changed])])
    return copy


def replaced(old: bytes, new: bytes, which: int) -> Change:
    def change(found: list[Record]) -> list[Record]:
        hit = [i for i, record in enumerate(found) if old in (record.value or b"")][which]
        value = (found[hit].value or b"").replace(old, new, 1)
        return [*found[:hit], found[hit]._replace(value=value), *found[hit + 1 :]]

    return change


def without(which: int) -> Change:
    return lambda found: [*found[:which], *found[which + 1 :]]


def swapped(first: int, second: int) -> Change:
    def change(found: list[Record]) -> list[Record]:
        found = list(found)
        found[first], found[second] = found[second], found[first]
        return found

    return change


async def test_an_untouched_copy_is_proved(honest: MemoryLog) -> None:
    verdicts = await verify(await copy_of(honest, lambda found: found))
    assert all(verdict.ok for verdict in verdicts)
    assert verdicts[1].marker_digest == verdicts[1].digest
    assert verdicts[1].marker_digest is not None


@pytest.mark.parametrize(
    "change",
    [
        replaced(b'"n":1', b'"n":2', 0),
        replaced(b'"n":1', b'"n":2', -1),
        replaced(b'"task":"add"', b'"task":"axd"', 0),
        replaced(b"execution_completed", b"execution_cancelled", 0),
        without(5),
        without(-1),
        swapped(4, 5),
    ],
    ids=["a value", "the last output", "a word", "an ending", "one missing", "the last missing", "two swapped"],
)
async def test_one_change_is_enough(honest: MemoryLog, change: Change) -> None:
    verdicts = await verify(await copy_of(honest, change))
    assert not verdicts[1].ok


async def test_a_state_is_shown_as_it_was(honest: MemoryLog) -> None:
    execution = next(r.key.decode() for r in await records(honest, EVENTS) if b"execution_started" in (r.value or b""))
    before, now = await state_at(honest, execution, 2), await state_at(honest, execution)
    assert (before.status, before.sequence, now.status, now.sequence) == ("running", 2, "completed", 8)
    assert list(before.state["visits"]) == ["1"]
    at_the_time = await state_at(honest, execution, now.time)
    assert at_the_time == now


async def test_an_execution_that_never_was_is_named(honest: MemoryLog) -> None:
    with pytest.raises(ExecutionNotFound, match="nobody"):
        await state_at(honest, "nobody")


async def test_an_export_holds_every_record_with_its_place(honest: MemoryLog) -> None:
    lines: list[bytes] = []
    assert await export(honest, [EVENTS], lines.append) == len(lines) == len(await records(honest, EVENTS))
    assert lines[0].startswith(b'{"topic":"events","partition":0,"position":0,"event":{"specversion":"1.0"')
