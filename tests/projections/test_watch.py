"""Waiting for a consistency token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from penstock.messages.records import Token
from penstock.tables.pool import TablesUnavailable
from penstock.tables.watch import Source, Watch

pytestmark = pytest.mark.anyio


class Tables:
    """Answers one after the other; the last one for ever."""

    def __init__(self, *answers: Mapping[Source, int] | TablesUnavailable) -> None:
        self.answers, self.asked = list(answers), 0

    async def reached(self) -> Mapping[Source, int]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(answer, TablesUnavailable):
            raise answer
        return answer


def watch(tables: Tables) -> Watch:
    return Watch(tables.reached, shortest=0.0, longest=0.0)


def token(position: int, partition: int = 0) -> Token:
    return Token("events", partition, position)


async def test_it_waits_until_the_partition_has_come_so_far() -> None:
    tables = Tables({("events", 0): 4, ("events", 1): 9}, {("events", 0): 7})
    assert await watch(tables).wait_for(token(7), 5)
    assert tables.asked == 2


async def test_what_is_known_already_is_not_asked_again() -> None:
    tables = Tables({("events", 0): 7})
    waiting = watch(tables)
    assert await waiting.wait_for(token(7), 5)
    assert await waiting.wait_for(token(3), 5)
    assert tables.asked == 1


async def test_all_who_wait_share_one_question() -> None:
    tables = Tables({("events", 0): 1}, {("events", 0): 9})
    waiting = watch(tables)
    assert all(await asyncio.gather(*(waiting.wait_for(token(n), 5) for n in range(2, 9))))
    assert tables.asked == 2


async def test_a_time_that_runs_out_is_an_answer() -> None:
    assert not await watch(Tables({("events", 0): 1})).wait_for(token(2), 0.01)


async def test_without_time_it_asks_once() -> None:
    tables = Tables({("events", 0): 3})
    assert await watch(tables).wait_for(token(3), 0)
    assert not await watch(tables).wait_for(token(4), 0)
    assert tables.asked == 2


async def test_a_partition_that_nothing_is_known_of_has_reached_nothing() -> None:
    assert not await watch(Tables({})).wait_for(token(-1), 0)


async def test_unavailable_tables_are_told_to_who_waits() -> None:
    waiting = watch(Tables(TablesUnavailable("gone"), {("events", 0): 5}))
    with pytest.raises(TablesUnavailable):
        await waiting.wait_for(token(5), 5)
    assert await waiting.wait_for(token(5), 5)
