"""When a cron expression is due: in the time of a place, across changes of its clocks, and never in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.schedule.cron import CronInvalid, check_cron, check_timezone, next_tick

FIELDS = ("*/5 * * * *", "0 9 * * 1-5", "30 2 * * *", "15 * 1 * *", "0 0 29 2 *", "59 23 31 12 *", "0 12 * * SUN")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia")


def ticks(expression: str, timezone: str, after: str, count: int) -> list[str]:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        moment = next_tick(expression, timezone, moment)
        found.append(f"{moment:%m-%d %H:%M}")
    return found


def test_it_counts_in_the_time_of_the_place() -> None:
    assert ticks("0 9 * * 1-5", "Europe/Berlin", "2026-07-03T07:00", 2) == ["07-06 07:00", "07-07 07:00"]
    assert ticks("0 9 * * 1-5", "Europe/Berlin", "2026-01-02T07:59", 2) == ["01-02 08:00", "01-05 08:00"]


def test_an_hour_that_the_clocks_leave_out_is_made_up_for_and_the_next_days_are_as_ever() -> None:
    assert ticks("30 2 * * *", "Europe/Berlin", "2026-03-27T22:00", 3) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_an_hour_that_the_clocks_repeat_is_passed_once_by_what_is_due_at_a_time_of_day() -> None:
    assert ticks("30 2 * * *", "Europe/Berlin", "2026-10-23T22:00", 3) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_what_is_due_every_half_hour_is_so_while_the_clocks_change() -> None:
    assert ticks("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:20", 4) == [
        "10-24 23:30", "10-25 00:00", "10-25 00:30", "10-25 01:00",
    ]  # fmt: skip


def test_a_tick_is_later_than_the_moment_that_is_given_even_on_the_minute() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert next_tick("0 12 * * *", "UTC", noon) == noon + timedelta(days=1)
    assert next_tick("0 12 * * *", "UTC", noon - timedelta(microseconds=1)) == noon


@given(
    st.sampled_from(FIELDS),
    st.sampled_from(ZONES),
    st.integers(946_684_800, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_ticks_go_on_and_are_whole_minutes_in_utc(expression: str, timezone: str, after: datetime) -> None:
    first = next_tick(expression, timezone, after)
    assert after < first < next_tick(expression, timezone, first)
    assert first.utcoffset() == timedelta(0)
    assert (first.second, first.microsecond) == (0, 0)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "got 0 fields"),
        ("often", "got 1 fields"),
        ("0 * * * * *", "got 6 fields"),
        ("61 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("0 0 31 2 *", "day-of-month"),
        ("* " * 200, "fields"),
    ],
)
def test_what_is_no_cron_expression_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(CronInvalid, match=reason):
        check_cron(expression)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "", "x" * 300, "\x00"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(CronInvalid, match="there is no"):
        check_timezone(name)
