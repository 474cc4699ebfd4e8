from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.agenda import Agenda

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def due(agenda: Agenda, seconds: int) -> list[str]:
    return list(iter(lambda: agenda.pop_due(at(seconds)), None))


def test_the_earliest_comes_first() -> None:
    agenda = Agenda()
    agenda.put("late", at(5))
    agenda.put("early", at(1))
    assert agenda.next() == at(1)
    assert due(agenda, 9) == ["early", "late"]


def test_what_is_not_due_stays() -> None:
    agenda = Agenda()
    agenda.put("a", at(5))
    assert due(agenda, 4) == []
    assert agenda.next() == at(5)


def test_a_moved_entry_counts_where_it_is_now() -> None:
    agenda = Agenda()
    agenda.put("a", at(1))
    agenda.put("a", at(8))
    assert due(agenda, 5) == []
    agenda.put("a", at(2))
    assert due(agenda, 5) == ["a"]
    assert agenda.next() is None


def test_a_struck_out_entry_never_comes() -> None:
    agenda = Agenda()
    agenda.put("a", at(1))
    agenda.put("a", None)
    assert agenda.next() is None


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.none() | st.integers(0, 50)), max_size=300))
def test_it_agrees_with_a_plain_table(changes: list[tuple[str, int | None]]) -> None:
    agenda, table = Agenda(), dict[str, datetime]()
    for entity, seconds in changes:
        agenda.put(entity, None if seconds is None else at(seconds))
        table.pop(entity, None)
        if seconds is not None:
            table[entity] = at(seconds)
        assert agenda.next() == min(table.values(), default=None)
    assert sorted(due(agenda, 50)) == sorted(table)
