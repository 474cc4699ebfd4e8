"""The questions that the tables answer: filters, pages, and values that are only ever values."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from penstock.domain.execution import events as e
from penstock.log.memory import MemoryLog
from penstock.log.topics import product_topics
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections import definitions, execution_timeline, executions, tasks
from penstock.projections.executions import ExecutionFilter
from penstock.projections.tasks import TaskFilter
from penstock.tables.paging import CursorInvalid
from penstock.tables.pool import Pool
from tests.integration.projector.following import applied, count, running
from tests.projections.story import at, batch, broken, recorded, scheduled, started, w3

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

EVIL = ("' or '1'='1", "'; drop table executions; --", "x' union select null --", "%", "\\", '"', "$1", "{}")


async def fill(pool: Pool, *histories: Sequence[Recorded[Event]]) -> None:
    log = MemoryLog()
    await log.apply(product_topics(1))
    events = [event for history in histories for event in history]
    last = recorded(e.BiteTaken(), 99, "nobody", input_position=1)
    await log.send([batch([*events, last])])
    async with running(log, pool):
        await applied(pool, 1)


async def more(pool: Pool, *histories: Sequence[Recorded[Event]]) -> None:
    async with pool.connection() as connection:
        await connection.execute("update projector_positions set position = 0, input_position = -1")
    await fill(pool, *histories)


def ids(page: Any) -> list[str]:
    return [row["id"] for row in page.items]


def one(id_: str, second: float, **fields: Any) -> Sequence[Recorded[Event]]:
    return [recorded(started(**fields), 1, id_, time=at(second))]


async def test_every_filter_of_executions_keeps_what_fits(pool: Pool) -> None:
    await fill(
        pool,
        one("a", 1, definition="order", business_key="k-1", tags=("eu", "big"), initiated_by="ann"),
        one("b", 2, definition="order", version="2.0.0", tags=("us",)),
        one("c", 3, definition="ship", initiated_by="bob", status="waiting"),
        w3("d", begin=at(4), definition="ship"),
    )
    expected = {
        ExecutionFilter(): "dcba",
        ExecutionFilter(status=("completed",)): "d",
        ExecutionFilter(status=("waiting", "completed")): "dc",
        ExecutionFilter(status=()): "",
        ExecutionFilter(definition="order"): "ba",
        ExecutionFilter(definition="order", version="2.0.0"): "b",
        ExecutionFilter(business_key="k-1"): "a",
        ExecutionFilter(tag="eu"): "a",
        ExecutionFilter(tag="big"): "a",
        ExecutionFilter(tag="eu,big"): "",
        ExecutionFilter(started_after=at(2)): "dcb",
        ExecutionFilter(started_before=at(2)): "a",
        ExecutionFilter(started_after=at(2), started_before=at(3)): "b",
        ExecutionFilter(updated_after=at(4)): "d",
        ExecutionFilter(initiated_by="bob"): "c",
        ExecutionFilter(initiated_by="system"): "db",
        ExecutionFilter(root_id="c"): "c",
        ExecutionFilter(definition="ship", status=("waiting",), initiated_by="bob"): "c",
    }
    assert {wanted: "".join(ids(await executions.find(pool, wanted))) for wanted in expected} == expected
    assert await executions.count_by_status(pool, ExecutionFilter(definition="ship")) == {"completed": 1, "waiting": 1}


async def test_pages_follow_one_another_without_gap_or_repeat(pool: Pool) -> None:
    same = [one(f"s{n}", 5) for n in range(4)]  # as many as begin at the same moment: the id decides
    await fill(pool, *(one(f"x{n}", n) for n in range(7)), *same)
    for limit in (1, 2, 3, 11, 50):
        seen: list[str] = []
        cursor = None
        for _ in range(20):
            page = await executions.find(pool, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            seen += ids(page)
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == ["x6", "x5", "s3", "s2", "s1", "s0", "x4", "x3", "x2", "x1", "x0"]


async def test_pages_are_stable_while_executions_begin(pool: Pool) -> None:
    await fill(pool, *(one(f"x{n}", n) for n in range(6)))
    first = await executions.find(pool, limit=3)
    await more(pool, *(one(f"y{n}", 100 + n) for n in range(4)))
    second = await executions.find(pool, limit=3, cursor=first.cursor)
    assert (ids(first), ids(second), second.cursor) == (["x5", "x4", "x3"], ["x2", "x1", "x0"], None)


async def test_the_latest_changed_can_come_first(pool: Pool) -> None:
    await fill(pool, w3("a", begin=at(10)), one("b", 1), one("c", 20))
    page = await executions.find(pool, order="updated", limit=2)
    assert ids(page) == ["c", "a"]
    assert ids(await executions.find(pool, order="updated", cursor=page.cursor)) == ["b"]
    with pytest.raises(CursorInvalid):
        await executions.find(pool, cursor=page.cursor)


async def test_filters_of_tasks_keep_what_fits(pool: Pool) -> None:
    claimed = e.TaskClaimed(visit=2, attempt=1, worker="w", token="t")
    history: list[Event] = [
        scheduled(1, "a"),
        scheduled(2, "b", queue="gpu"),
        scheduled(3, "c"),
        broken(1, "a"),
        claimed,
    ]
    await fill(pool, [recorded(event, n, "x") for n, event in enumerate(history, 1)], w3("y", begin=at(100)))
    expected = {
        TaskFilter(execution_id="x"): ["x/c/3/1", "x/b/2/1", "x/a/1/1"],
        TaskFilter(status=("failed",)): ["x/a/1/1"],
        TaskFilter(status=("scheduled", "claimed")): ["x/c/3/1", "x/b/2/1"],
        TaskFilter(status=("claimed", "failed")): ["x/b/2/1", "x/a/1/1"],
        TaskFilter(status=("completed",), execution_id="x"): [],
        TaskFilter(queue="gpu"): ["x/b/2/1"],
        TaskFilter(queue="gpu", status=("scheduled",)): [],
        TaskFilter(task="do-c"): ["x/c/3/1"],
        TaskFilter(status=("completed",)): ["y/ship/3/1", "y/pack/2/1", "y/charge/1/1"],
    }
    assert {wanted: ids(await tasks.find(pool, wanted)) for wanted in expected} == expected
    page = await tasks.find(pool, limit=4)
    assert ids(await tasks.find(pool, cursor=page.cursor)) == ["x/b/2/1", "x/a/1/1"]
    task = await tasks.get(pool, "x/b/2/1")
    assert task
    assert (task["worker"], task["status"]) == ("w", "claimed")


@pytest.mark.parametrize(
    "wrong", ["", "x", "x/a/1", "x/other/1/1", "x/a/1/x", "x/a/-1/1", "x/a/1/99999999999", "x/a/²/1"]
)
async def test_a_task_that_is_not_there_is_nothing(pool: Pool, wrong: str) -> None:
    await fill(pool, [recorded(scheduled(1, "a"), 1, "x")])
    assert await tasks.get(pool, wrong) is None


async def test_the_timeline_is_paged_and_knows_the_places_in_the_log(pool: Pool) -> None:
    await fill(pool, w3("a"), w3("b"))
    page = await execution_timeline.page(pool, "b", limit=3)
    rest = await execution_timeline.page(pool, "b", cursor=page.cursor)
    assert [line["sequence"] for line in itertools.chain(page.items, rest.items)] == list(range(1, 9))
    assert [line["sequence"] for line in (await execution_timeline.page(pool, "b", after=6)).items] == [7, 8]
    assert [place.position for place in await execution_timeline.places(pool, "b", until=3)] == [8, 9, 10]
    moment = page.items[1]["time"]
    assert [place.position for place in await execution_timeline.places(pool, "b", at=moment)] == [8, 9]
    line = await execution_timeline.event(pool, "b", 2)
    assert line
    assert line["type"] == "penstock.task_scheduled.v1"


@pytest.mark.parametrize("evil", EVIL)
async def test_values_of_filters_are_only_ever_values(pool: Pool, evil: str) -> None:
    await fill(pool, w3("a"), one("b", 1, business_key=evil, tags=(evil,), definition=evil))
    for wanted in (
        ExecutionFilter(status=(evil,)),
        ExecutionFilter(version=evil),
        ExecutionFilter(initiated_by=evil),
        ExecutionFilter(root_id=evil),
    ):
        assert ids(await executions.find(pool, wanted)) == []
    for wanted in (ExecutionFilter(definition=evil), ExecutionFilter(business_key=evil), ExecutionFilter(tag=evil)):
        assert ids(await executions.find(pool, wanted)) == ["b"]
    for wrong in (
        TaskFilter(status=(evil,)),
        TaskFilter(queue=evil),
        TaskFilter(task=evil),
        TaskFilter(execution_id=evil),
    ):
        assert ids(await tasks.find(pool, wrong)) == []
    assert await executions.get(pool, evil) is None
    assert await tasks.get(pool, f"{evil}/a/1/1") is None
    assert await definitions.get(pool, evil, evil) is None
    assert (await definitions.find(pool, tag=evil)).items == []
    assert (await execution_timeline.page(pool, evil)).items == []
    assert [await count(pool, table) for table in ("executions", "tasks")] == [2, 3]


async def test_the_filters_of_lists_are_served_by_indexes(pool: Pool) -> None:
    """Not how fast it is, which no test can promise, but that no list has to read the whole table and sort it."""
    await fill(pool)
    async with pool.transaction() as connection:
        await connection.execute("set local enable_seqscan = off")
        for condition, order in (
            ("true", "started_at desc, id desc"),
            ("status = any(array['failed'])", "started_at desc, id desc"),
            ("definition = 'a'", "started_at desc, id desc"),
            ("definition = 'a' and status = 'failed' and status <> 'completed'", "started_at desc, id desc"),
            ("true", "updated_at desc, id desc"),
            ("business_key = 'k'", "started_at desc, id desc"),
            ("tags @> '[\"a\"]' and tags <> '[]'", "started_at desc, id desc"),
        ):
            sql = f"explain (format text) select id from executions where {condition} order by {order} limit 51"
            plan = "\n".join(row[0] for row in await connection.fetch(sql))
            assert "Index" in plan, plan
