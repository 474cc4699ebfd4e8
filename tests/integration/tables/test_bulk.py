"""Many rows with few statements; applying twice changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from penstock.tables import bulk
from penstock.tables.changes import Append, Folded, Insert, Patch
from penstock.tables.pool import Pool, RowRepeated, ValueRefused
from penstock.tables.shape import Column, Index, Table

pytestmark = pytest.mark.anyio

ORDERS = Table(
    "orders",
    (
        Column("shop", "text"),
        Column("number", "bigint"),
        Column("state", "text", required=True),
        Column("note", "jsonb"),
        Column("sequence", "bigint", required=True),
    ),
    key=("shop", "number"),
    indexes=(Index("state", where="state <> 'done'"), Index("state", method="hash")),
)
LINES = Table("lines", (Column("n", "bigint"), Column("note", "jsonb")), key=("n",), append_only=True)


@pytest.fixture
async def tables(pool: Pool) -> Pool:
    async with pool.transaction() as connection:
        for statement in (*ORDERS.create("orders_1"), *LINES.create("lines_1")):
            await connection.execute(statement)
    return pool


async def write(pool: Pool, *changes: Insert | Patch) -> None:
    folded = Folded()
    folded.add(changes)
    async with pool.transaction() as connection:
        await bulk.write(connection, ORDERS, "orders_1", folded)


async def append(pool: Pool, *lines: tuple[int, Any], repeated: bool = False) -> None:
    folded = Folded()
    folded.add(map(Append, lines))
    async with pool.transaction() as connection:
        await bulk.write(connection, LINES, "lines_1", folded, repeated=repeated)


async def rows(pool: Pool) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await pool.fetch("select * from orders_1 order by shop, number")]


def new(number: int, sequence: int = 1, **fields: Any) -> Insert:
    row = {"shop": "a", "number": number, "state": "open", "sequence": sequence, **fields}
    return Insert(("a", number), row)


def patch(number: int, sequence: int, **fields: Any) -> Patch:
    return Patch(("a", number), {"sequence": sequence, **fields})


async def test_new_rows_are_written_and_absent_columns_are_null(tables: Pool) -> None:
    await write(tables, new(1), new(2, note={"x": 1}))
    assert await rows(tables) == [("a", 1, "open", None, 1), ("a", 2, "open", {"x": 1}, 1)]


async def test_patches_change_their_columns_only(tables: Pool) -> None:
    await write(tables, new(1, note="n"), new(2, note="n"), new(3, note="n"))
    await write(tables, patch(1, 2, state="done"), patch(2, 2, note=None), patch(3, 2, state="done", note=[1]))
    assert await rows(tables) == [("a", 1, "done", "n", 2), ("a", 2, "open", None, 2), ("a", 3, "done", [1], 2)]


async def test_a_patch_of_a_row_that_is_not_there_does_nothing(tables: Pool) -> None:
    await write(tables, patch(1, 2, state="done"))
    assert await rows(tables) == []


async def test_what_was_applied_before_changes_nothing(tables: Pool) -> None:
    history = (new(1), patch(1, 2, state="paid"), patch(1, 3, note="n"))
    await write(tables, *history)
    await write(tables, patch(1, 4, state="done"))
    after = await rows(tables)
    await write(tables, *history)
    for change in history:
        await write(tables, change)
    assert await rows(tables) == after == [("a", 1, "done", "n", 4)]


async def test_a_batch_that_begins_earlier_and_ends_later_is_taken_whole(tables: Pool) -> None:
    await write(tables, new(1), patch(1, 2, state="paid"))
    await write(tables, new(1), patch(1, 2, state="paid"), patch(1, 3, state="done"))
    assert await rows(tables) == [("a", 1, "done", None, 3)]


async def test_lines_are_appended(tables: Pool) -> None:
    await append(tables, (1, {"x": 1}), (2, None))
    found = await tables.fetch("select * from lines_1 order by n")
    assert [tuple(row) for row in found] == [(1, {"x": 1}), (2, None)]


async def test_a_repeated_line_is_refused_unless_it_may_be(tables: Pool) -> None:
    await append(tables, (1, "first"))
    with pytest.raises(RowRepeated):
        await append(tables, (1, "again"), (2, "new"))
    await append(tables, (1, "again"), (2, "new"), repeated=True)
    found = await tables.fetch("select * from lines_1 order by n")
    assert [tuple(row) for row in found] == [(1, "first"), (2, "new")]


async def test_new_rows_of_a_table_that_has_each_once_are_refused_when_repeated_unless_they_may_be(
    tables: Pool,
) -> None:
    async def write_once(*changes: Insert | Patch, repeated: bool = False) -> None:
        folded = Folded()
        folded.add(changes)
        async with tables.transaction() as connection:
            await bulk.write(connection, replace(ORDERS, born_once=True), "orders_1", folded, repeated=repeated)

    await write_once(new(1), new(2, note={"x": 1}), patch(2, 2, state="done"))
    with pytest.raises(RowRepeated):
        await write_once(new(1), new(3))
    assert await rows(tables) == [("a", 1, "open", None, 1), ("a", 2, "done", {"x": 1}, 2)]
    await write_once(new(1, 3, state="paid"), new(2), new(3), repeated=True)
    assert await rows(tables) == [
        ("a", 1, "paid", None, 3),
        ("a", 2, "done", {"x": 1}, 2),
        ("a", 3, "open", None, 1),
    ]


@pytest.mark.parametrize("fields", [{"sequence": 2**70}, {"state": 7}, {"state": "\ud800"}, {"note": 2**70}])
@pytest.mark.parametrize("once", [True, False])
async def test_a_row_that_cannot_be_held_is_refused_by_name(tables: Pool, fields: dict[str, Any], once: bool) -> None:
    folded = Folded()
    folded.add([new(1), Insert(("a", 2), {**new(2).row, **fields})])
    with pytest.raises(ValueRefused):
        async with tables.transaction() as connection:
            await bulk.write(connection, replace(ORDERS, born_once=once), "orders_1", folded)
    assert await rows(tables) == []


async def test_a_line_that_cannot_be_held_is_refused_by_name(tables: Pool) -> None:
    for value in ({"n": 2**70}, "\0"):
        with pytest.raises(ValueRefused):
            await append(tables, (1, value))


async def test_values_are_never_read_as_sql(tables: Pool) -> None:
    evil = "'); drop table orders_1; --"
    await write(tables, new(1, state=evil, note={evil: evil}))
    await write(tables, patch(1, 2, state=f"{evil}2"))
    assert await rows(tables) == [("a", 1, f"{evil}2", {evil: evil}, 2)]
