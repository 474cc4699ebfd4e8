"""What every log promises to the members of a group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from penstock.log.port import Log, Subscription, TopicPartition
from tests.contract.logs import PATIENCE, SURVIVING, Home, batch, spec

pytestmark = pytest.mark.anyio

FOUR = [TopicPartition("four", number) for number in range(4)]


class Ledger:
    """Who serves which partition; complains at once where two serve the same."""

    def __init__(self) -> None:
        self.serving: dict[str, frozenset[int]] = {}
        self.news = asyncio.Condition()

    async def set(self, member: str, partitions: frozenset[int]) -> None:
        async with self.news:
            self.serving[member] = partitions
            served = [number for share in self.serving.values() for number in share]
            assert len(served) == len(set(served)), f"served twice: {self.serving}"
            self.news.notify_all()

    async def until(self, sizes: dict[str, int]) -> None:
        """Wait until each member serves so many partitions, and nobody else any."""
        async with asyncio.timeout(PATIENCE), self.news:
            await self.news.wait_for(
                lambda: {name: len(share) for name, share in self.serving.items() if share} == sizes
            )


class Server:
    def __init__(self, name: str, ledger: Ledger) -> None:
        self._name, self._ledger = name, ledger

    async def assign(self, partitions: frozenset[int]) -> None:
        await self._ledger.set(self._name, partitions)

    async def revoke(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)  # there is always something to finish
        await self._ledger.set(self._name, frozenset())


async def test_every_partition_has_exactly_one_member_while_members_come_and_go(home: Home) -> None:
    log = await home.open(spec("four", 4))
    ledger = Ledger()
    first = await log.join(home.group, "four", Server("first", ledger))
    await ledger.until({"first": 4})
    second = await log.join(home.group, "four", Server("second", ledger))
    await ledger.until({"first": 2, "second": 2})
    assert frozenset.union(*ledger.serving.values()) == {0, 1, 2, 3}
    await first.close()
    await ledger.until({"second": 4})
    await second.close()
    await ledger.until({})


async def test_groups_do_not_disturb_one_another(home: Home) -> None:
    log = await home.open(spec("four", 4))
    ledgers = [Ledger(), Ledger()]
    members = [
        await log.join(f"{home.group}-{at}", "four", Server("only", ledger)) for at, ledger in enumerate(ledgers)
    ]
    for ledger in ledgers:
        await ledger.until({"only": 4})
    for member in members:
        await member.report({0: 1, 3: 5})
        await member.close()
    for ledger in ledgers:
        await ledger.until({})


async def test_what_a_subscriber_did_not_commit_is_read_again_by_the_next(home: Home) -> None:
    log = await home.open(spec("four", 4))
    await _fill(log)
    first = await log.subscribe(home.group, ["four"])
    done = await _read(first, 12)
    assert sorted(done) == sorted(_all())
    await first.commit({FOUR[0]: done[b"0-1"] + 1, FOUR[1]: done[b"1-2"] + 1})
    await first.close()
    second = await log.subscribe(home.group, ["four"])
    again = await _read(second, 7)
    await second.close()
    assert again == {value: done[value] for value in _all() if value not in {b"0-0", b"0-1", b"1-0", b"1-1", b"1-2"}}


@pytest.mark.parametrize("home", SURVIVING, indirect=True)
async def test_commits_of_a_group_survive_a_restart(home: Home) -> None:
    log = await home.open(spec("four", 4))
    await _fill(log)
    first = await log.subscribe(home.group, ["four"])
    done = await _read(first, 12)
    await first.commit({partition: done[b"%d-1" % partition.partition] + 1 for partition in FOUR})
    await first.close()
    await log.close()
    log = await home.open()
    second = await log.subscribe(home.group, ["four"])
    assert sorted(await _read(second, 4)) == [b"0-2", b"1-2", b"2-2", b"3-2"]
    await second.close()


async def test_subscribers_share_the_partitions_and_nothing_is_lost_when_they_move(home: Home) -> None:
    log = await home.open(spec("four", 4))
    await _fill(log)
    first = await log.subscribe(home.group, ["four"])
    read = await _read(first, 12)
    second = await log.subscribe(home.group, ["four"])
    await _until(first, second, lambda: len(first.assigned()) == 2 and len(second.assigned()) == 2)
    assert first.assigned() | second.assigned() == set(FOUR)
    # Nothing was committed: whoever has a partition now reads it from the beginning.
    await log.send([batch("four", b"%d-new" % number, partition=number) for number in range(4)])
    seen: set[bytes] = set()
    async with asyncio.timeout(PATIENCE):
        while not seen >= {*read, *(b"%d-new" % number for number in range(4))}:
            for subscription in (first, second):
                seen |= {record.value or b"" for record in await subscription.read(wait=0.05)}
    await first.close()
    await second.close()


async def test_what_is_committed_while_partitions_are_revoked_is_not_read_again(home: Home) -> None:
    log = await home.open(spec("four", 4))
    await _fill(log)
    read: dict[bytes, int] = {}

    async def on_revoke() -> None:
        if read:
            await first.commit({partition: read[b"%d-2" % partition.partition] + 1 for partition in FOUR})

    first = await log.subscribe(home.group, ["four"], on_revoke)
    read |= await _read(first, 12)
    second = await log.subscribe(home.group, ["four"])
    await _until(first, second, lambda: len(second.assigned()) == 2)
    read.clear()
    await log.send([batch("four", b"%d-new" % number, partition=number) for number in range(4)])
    seen: list[bytes] = []
    async with asyncio.timeout(PATIENCE):
        while len(seen) < 4:
            for subscription in (first, second):
                seen += [record.value or b"" for record in await subscription.read(wait=0.05)]
    assert sorted(seen) == [b"0-new", b"1-new", b"2-new", b"3-new"]
    await first.close()
    await second.close()


async def test_a_commit_of_partitions_that_moved_away_is_passed_over(home: Home) -> None:
    log = await home.open(spec("four", 4))
    await _fill(log)
    first = await log.subscribe(home.group, ["four"])
    done = await _read(first, 12)
    second = await log.subscribe(home.group, ["four"])
    await _until(first, second, lambda: len(first.assigned()) == 2 and len(second.assigned()) == 2)
    moved = {partition.partition for partition in second.assigned()}
    await first.commit({partition: done[b"%d-2" % partition.partition] + 1 for partition in FOUR})
    await first.close()
    await second.close()
    third = await log.subscribe(home.group, ["four"])
    assert sorted(await _read(third, 6)) == sorted(value for value in _all() if int(value[:1]) in moved)
    await third.close()


async def test_a_subscription_takes_in_several_topics(home: Home) -> None:
    log = await home.open(spec("four", 4), spec("one"))
    subscription = await log.subscribe(home.group, ["four", "one"])
    await log.send([batch("four", b"a", partition=2), batch("one", b"b")])
    assert sorted(await _read(subscription, 2)) == [b"a", b"b"]
    assert subscription.assigned() == {*FOUR, TopicPartition("one", 0)}
    await subscription.close()
    await subscription.close()


def _all() -> Sequence[bytes]:
    return [b"%d-%d" % (number, index) for number in range(4) for index in range(3)]


async def _fill(log: Log) -> None:
    for number in range(4):
        await log.send([batch("four", *(b"%d-%d" % (number, index) for index in range(3)), partition=number)])


async def _read(subscription: Subscription, count: int) -> dict[bytes, int]:
    """The next ``count`` records: value -> position."""
    found: dict[bytes, int] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found |= {record.value or b"": record.position for record in await subscription.read(wait=1)}
    assert len(found) == count, found
    return found


async def _until(first: Subscription, second: Subscription, happened: Callable[[], bool]) -> None:
    """Subscribers learn of a new share while they read; what they read meanwhile is not committed."""
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.01)
