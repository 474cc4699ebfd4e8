from __future__ import annotations

from penstock.engine.seen import HOUR, Outcome, Seen, command_key, start_key

NOON = 1_767_268_800.0


def key(number: int) -> bytes:
    return command_key("execution", str(number))


def test_a_decided_command_is_recognised_with_its_outcome() -> None:
    seen = Seen()
    seen.add(key(1), Outcome("TASK_NOT_OPEN", 7), NOON)
    assert seen.get(key(1)) == Outcome("TASK_NOT_OPEN", 7)
    assert seen.get(key(2)) is None


def test_the_first_outcome_stays() -> None:
    seen = Seen()
    seen.add(key(1), Outcome("", 7), NOON)
    seen.add(key(1), Outcome("", 9), NOON + 1)
    assert seen.get(key(1)) == Outcome("", 7)


def test_what_is_older_than_a_day_is_forgotten() -> None:
    seen = Seen()
    seen.add(key(1), Outcome("", 1), NOON)
    seen.add(key(2), Outcome("", 2), NOON + 23 * HOUR)
    assert seen.get(key(1)) is not None
    seen.add(key(3), Outcome("", 3), NOON + 25 * HOUR)
    assert seen.get(key(1)) is None
    assert seen.get(key(2)) is not None


def test_a_full_memory_shortens_the_window_and_says_so() -> None:
    seen = Seen(limit=10)
    for number in range(20):
        seen.add(key(number), Outcome("", number), NOON + number * HOUR / 5)
    now = NOON + 4 * HOUR
    assert len(seen) <= 10
    assert seen.reaches_back_to(now) > now - 24 * HOUR
    assert seen.get(key(19)) is not None


def test_the_window_reaches_back_a_day_while_there_is_room() -> None:
    assert Seen().reaches_back_to(NOON) == NOON - 24 * HOUR


def test_a_start_and_a_command_of_the_same_text_are_told_apart() -> None:
    assert start_key("x") != command_key("x", "") != command_key("", "x")


def test_a_restored_memory_knows_what_was_written_and_writes_it_once() -> None:
    seen, restored = Seen(), Seen()
    for number in range(12):
        seen.add(key(number), Outcome("", number), NOON + number * HOUR / 4)
    chunks = list(seen.take_fresh(size=5))
    assert list(seen.take_fresh()) == []
    for chunk in chunks:
        restored.restore(chunk)
    assert all(restored.get(key(number)) == Outcome("", number) for number in range(12))
    assert list(restored.take_fresh()) == []
