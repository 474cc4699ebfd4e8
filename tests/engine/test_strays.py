"""Waits that nobody will end are found in the log, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from penstock.domain.execution import events as e
from penstock.domain.lock.events import LockAwarded
from penstock.domain.subjects import child_of, lock_of, mailbox_of, signal_of
from penstock.domain.waits import WaitOpened
from penstock.engine.strays import Found, strays
from penstock.log.memory import MemoryLog
from penstock.log.topics import product_topics
from penstock.messages.registry import Event
from tests.projections.story import at, batch, recorded, started

pytestmark = pytest.mark.anyio
Histories = dict[str, Sequence[Event]]
BOX = mailbox_of("paid", "k")
SOON = at(30)


def listening(source: str) -> Sequence[Event]:
    wait = e.Wait(option=0, source=source)
    begun = e.ListeningStarted(visit=1, step="pay")
    return (started(), begun, e.WaitsOpened(visit=1, step="pay", waits=(wait,)))


def confirmed(source: str) -> Sequence[Event]:
    return (*listening(source), e.WaitConfirmed(visit=1, option=0))


def locked() -> Sequence[Event]:
    asked = e.LockRequested(visit=1, step="desk", lock="desk", shared=True)
    return (started(), asked)


async def written(histories: Histories) -> MemoryLog:
    log = MemoryLog()
    await log.apply(product_topics(1))
    await add(log, histories)
    return log


async def add(log: MemoryLog, histories: Histories) -> None:
    for subject, events in histories.items():
        await log.send([batch(recorded(event, number, subject) for number, event in enumerate(events, 1))])


async def found(
    histories: Histories, meanwhile: Histories | None = None, now: datetime = SOON
) -> list[tuple[str, int, str]]:
    log = await written(histories)

    async def pause() -> None:
        await add(log, meanwhile or {})

    return [stray[:3] for stray in (await strays(log, lambda: now, pause)).strays]


async def test_a_log_without_executions_has_none() -> None:
    assert await strays(await written({}), lambda: at(0), _never) == Found(0, ())


async def _never() -> None:
    raise AssertionError("expected one look to be enough")


async def test_a_confirmed_wait_is_known_to_its_mailbox_or_signal() -> None:
    opened = WaitOpened(execution="x", visit=1, option=0)
    for source in (BOX, signal_of("stop")):
        log = await written({"x": confirmed(source), source: [opened]})
        assert await strays(log, lambda: at(30), _never) == Found(1, ())
        assert await found({"x": confirmed(source)}) == [("x", 1, "pay")]


async def test_a_wait_that_nobody_confirms_for_a_minute_is_a_stray() -> None:
    assert await found({"x": listening(BOX)}) == []
    assert await found({"x": listening(BOX)}, now=at(3) + timedelta(seconds=61)) == [("x", 1, "pay")]


async def test_a_child_has_to_be_there() -> None:
    child = child_of("x", 1)
    parent = (started(), e.ChildStarted(visit=1, step="call", child=child, definition="w"))
    running = (started(), e.TimerStarted(visit=1, step="nap", due_at=at(99)))
    assert await found({"x": parent, child: running}) == []
    assert await found({"x": parent}) == [("x", 1, "call")]


async def test_a_lock_knows_who_wants_it_and_its_holder_knows_of_it() -> None:
    lock = lock_of("desk")
    awarded = LockAwarded(execution="x", visit=1, fence=1)
    assert await found({"x": locked(), lock: [awarded]}) == []
    assert await found({"x": locked()}) == [("x", 1, "desk")]
    assert await found({lock: [awarded]}) == [(lock, 1, "")]


async def test_what_was_only_under_way_is_none() -> None:
    opened = WaitOpened(execution="x", visit=1, option=0)
    assert await found({"x": confirmed(BOX)}, meanwhile={BOX: [opened]}) == []
