"""Who may work on which task of a queue: the rules, without a log and without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.gateway.leases import Held, Leases
from penstock.log.port import TopicPartition
from penstock.messages.records import Task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
P0, P1 = TopicPartition("tasks.shop", 0), TopicPartition("tasks.shop", 1)


def task(number: int, kind: str = "pack", **more: Any) -> Task:
    return Task(
        id=f"e{number}/s/1/1", execution_id=f"e{number}", step="s", visit=1, attempt=1, task=kind, queue="shop", **more
    )


def holding(*tasks: Task) -> Leases:
    leases = Leases(LEASE)
    for position, each in enumerate(tasks):
        leases.offer(each, P0, position)
    return leases


def take(leases: Leases, *types: str, limit: int = 1, now: datetime = NOON, token: str = "t") -> list[Held]:
    taken = leases.take(types or None, limit, now)
    for held in taken:
        leases.hand(held, token, "w", now)
    return taken


def names(held: list[Held]) -> list[str]:
    return [one.task.execution_id for one in held]


def test_the_oldest_offer_of_the_wanted_types_comes_first() -> None:
    leases = holding(task(1, "pack"), task(2, "ship"), task(3, "pack"))
    assert names(take(leases, "ship", "pack", limit=2)) == ["e1", "e2"]
    assert names(take(leases, "ship")) == []
    assert names(take(leases)) == ["e3"]


def test_what_is_held_is_given_to_nobody_else() -> None:
    leases = holding(task(1))
    take(leases)
    assert take(leases) == []
    assert (leases.waiting, leases.held) == (0, 1)


def test_an_expired_lease_waits_again_at_its_old_place() -> None:
    leases = holding(task(1), task(2))
    take(leases)
    assert leases.expire(NOON + LEASE - timedelta(seconds=1)) == 0
    assert leases.expire(NOON + LEASE) == 1
    assert names(take(leases, limit=2, token="u")) == ["e1", "e2"]
    found = leases.find("e1/s/1/1")
    assert found is not None
    assert found.token == "u"


def test_a_heartbeat_moves_the_lease() -> None:
    leases = holding(task(1))
    (held,) = take(leases)
    assert leases.beat(held, NOON + timedelta(seconds=20)) == NOON + timedelta(seconds=50)
    assert leases.expire(NOON + LEASE) == 0
    assert leases.expires() == NOON + timedelta(seconds=50)
    assert leases.expire(NOON + timedelta(seconds=50)) == 1


def test_positions_move_to_the_first_offer_that_is_not_done() -> None:
    leases = holding(task(1), task(2), task(3))
    take(leases, limit=3)
    assert leases.positions() == {P0: 0}
    leases.finish("e2/s/1/1")
    assert leases.positions() == {P0: 0}
    leases.finish("e1/s/1/1")
    assert leases.positions() == {P0: 2}
    leases.finish("e3/s/1/1")
    assert leases.positions() == {P0: 3}


def test_partitions_have_positions_of_their_own_and_gaps_do_no_harm() -> None:
    leases = holding(task(1))
    leases.offer(task(2), P1, 40)
    leases.passed(P1, 70)
    take(leases, limit=2)
    leases.finish("e2/s/1/1")
    assert leases.positions() == {P0: 0, P1: 71}


def test_a_claimed_task_lets_its_position_go_and_is_the_engines_to_expire() -> None:
    leases = holding(task(1, claim=True, timeout=300.0, heartbeat=20.0))
    (held,) = take(leases)
    assert leases.claim(held, NOON) == NOON + timedelta(seconds=60)
    assert leases.positions() == {P0: 1}
    assert leases.expire(NOON + timedelta(seconds=60)) == 0
    assert leases.find("e1/s/1/1") is None
    assert take(leases) == []


def test_an_uncertain_claim_is_tried_again_under_the_same_token() -> None:
    leases = holding(task(1, claim=True))
    (held,) = take(leases, token="first")
    leases.back(held)
    (again,) = take(leases, token="second")
    assert again.token == "first"


def test_an_offer_past_its_time_to_start_is_dropped_and_done() -> None:
    leases = holding(task(1, start_by=NOON - timedelta(seconds=1)), task(2, start_by=NOON))
    assert names(take(leases, limit=2)) == ["e2"]
    leases.finish("e2/s/1/1")
    assert leases.positions() == {P0: 2}


def test_partitions_that_come_back_do_not_offer_twice_what_is_held_or_done() -> None:
    leases = holding(task(1), task(2), task(3))
    take(leases, limit=2)
    leases.finish("e2/s/1/1")
    leases.revoked()
    assert leases.positions() == {}
    assert [leases.offer(task(n), P0, n - 1) for n in (1, 2, 3)] == [False, False, True]
    assert leases.positions() == {P0: 0}
    leases.finish("e1/s/1/1")
    assert leases.positions() == {P0: 2}


def test_a_lease_of_a_partition_that_went_away_is_not_offered_here_again() -> None:
    leases = holding(task(1))
    take(leases)
    leases.revoked()
    leases.expire(NOON + LEASE)
    assert take(leases) == []


def test_the_same_task_dispatched_twice_is_one_offer() -> None:
    leases = holding(task(1))
    assert leases.offer(task(1), P0, 5) is False
    assert leases.waiting == 1
    take(leases)
    leases.finish("e1/s/1/1")
    assert leases.positions() == {P0: 6}


def test_only_so_many_finished_tasks_are_remembered() -> None:
    from penstock.gateway.leases import REMEMBERED

    leases = Leases(LEASE)
    for number in range(REMEMBERED + 10):
        leases.offer(task(number), P0, number)
        leases.finish(f"e{number}/s/1/1")
    assert not leases.is_done("e0/s/1/1")
    assert leases.is_done(f"e{REMEMBERED}/s/1/1")
