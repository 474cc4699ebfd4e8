"""Many changes become few rows, tables of another shape another name, and pages know where they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock.projections import executions
from penstock.projections.read_model import ReadModel, ReadSet
from penstock.projections.sets import EVENTS
from penstock.tables.changes import Append, Folded, Insert, Patch
from penstock.tables.paging import CursorInvalid, Where, as_text, as_time, from_cursor, to_cursor
from penstock.tables.shape import Column


def test_patches_of_a_new_row_become_part_of_it() -> None:
    folded = Folded()
    folded.add([Insert(("a",), {"n": 1, "m": 1}), Patch(("a",), {"n": 2}), Patch(("a",), {"k": 3})])
    assert folded == Folded(rows={("a",): {"n": 2, "m": 1, "k": 3}})


def test_patches_of_an_old_row_become_one() -> None:
    folded = Folded()
    folded.add([Patch(("a",), {"n": 1}), Patch(("b",), {"n": 9}), Patch(("a",), {"m": 2, "n": 3})])
    assert folded == Folded(patches={("a",): {"n": 3, "m": 2}, ("b",): {"n": 9}})


def test_a_new_row_takes_the_place_of_what_was_there() -> None:
    folded = Folded()
    folded.add([Patch(("a",), {"n": 1}), Insert(("a",), {"m": 2})])
    assert folded == Folded(rows={("a",): {"m": 2}})


def test_folding_leaves_the_changes_as_they_are() -> None:
    insert = Insert(("a",), {"n": 1})
    folded = Folded()
    folded.add([insert, Patch(("a",), {"n": 2}), Append((1,))])
    assert insert.row == {"n": 1}
    assert folded.appended == [(1,)]


def test_a_changed_shape_or_meaning_is_another_generation() -> None:
    wider = replace(executions.TABLE, columns=(*executions.TABLE.columns, Column("mood", "text")))
    other = replace(executions.TABLE, revision=2)
    digests = {EVENTS.digest}
    for table in (wider, other):
        digests.add(ReadSet(EVENTS.topic, (ReadModel(table, executions.project), *EVENTS.models[1:])).digest)
    assert len(digests) == 3


def test_the_way_in_which_rows_are_written_is_no_part_of_the_shape() -> None:
    assert executions.TABLE.born_once
    assert replace(executions.TABLE, born_once=False).digest == executions.TABLE.digest


def test_a_cursor_comes_back_as_it_was() -> None:
    time = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert from_cursor(to_cursor("started", time, "x/ü"), "started", as_time, as_text) == (time, "x/ü")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "'; drop table executions; --",
        to_cursor("updated", "2026-03-01T12:00:00Z", "x"),
        to_cursor("started", "2026-03-01T12:00:00Z"),
        to_cursor("started", "yesterday", "x"),
        to_cursor("started", "2026-03-01T12:00:00", "x"),
        to_cursor("started", "2026-03-01T12:00:00Z", 7),
        to_cursor("started", "2026-03-01T12:00:00Z", "\0"),
    ],
)
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        from_cursor(cursor, "started", as_time, as_text)


def test_values_never_become_part_of_a_condition() -> None:
    where = Where()
    where.given("a = {}", "x' or true --")
    where.given("b = {}", None)
    where.add("(c, d) < ({}, {})", 1, 2)
    assert (str(where), where.arguments) == ("where a = $1 and (c, d) < ($2, $3)", ["x' or true --", 1, 2])
