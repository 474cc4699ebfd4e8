"""Durations, beyond the examples of the reference page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.expressions.duration import DurationInvalid, Unit, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1M", 60), ("pt30m", 1800), ("P2W", 1_209_600), ("PT0.5S", 0.5), ("P1D", 86_400),
     ("1w2d3h4m5s6ms", 788_645.006),
     ("2h500ms", 7200.5), (" 5s ", 5),
     ("5m", 300), ("5ms", 0.005), ("0.001ms", 0.000001), ("36525d", 3_155_760_000)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [(30, "min", 1800), ("30", "s", 30), (1.5, "s", 1.5), ("0.1", "min", 6), (5, "ms", 0.005), ("1h", "s", 3600),
     (2, "d", 172_800)],
)  # fmt: skip
def test_a_bare_number_counts_in_the_unit_of_its_place(text: Any, unit: Unit, seconds: float) -> None:
    assert parse_duration(text, unit=unit) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("30", "`30` has no unit; write it as 90s"),
        (30, "has no unit"),
        ("", "expected a duration"),
        ("P", "expected a duration"),
        ("PT", "expected a duration"),
        ("P1DT", "P1DT2H"),
        ("PT1D", "days before the T"),
        ("P1Y", "no fixed length"),
        ("P1M", "PT1M for a minute"),
        ("-5m", "negative"),
        ("30 minutes", "write 30m"),
        ("1 hour 30 min", "write 1h30m"),
        ("90 sec", "write 90s"),
        ("30m1h", "the largest first: 1h30m"),
        ("1h1h", "each unit once"),
        ("5H", "write 5h"),
        ("soon", "write it as 90s"),
        ("1d" * 60, "120 characters"),
        ("36526d", "a hundred years"),
        ("0.0001ms", "finer"),
        ("9" * 15 + "w", "a hundred years"),
        ("٣s", "expected a duration"),
        (None, "expected a duration as text, but got NoneType"),
        (True, "but got bool"),
        (float("inf"), "expected a duration"),
        (float("nan"), "expected a duration"),
    ],
)
def test_what_is_no_duration_is_refused_with_help(text: Any, needle: str) -> None:
    with pytest.raises(DurationInvalid) as caught:
        parse_duration(text)
    assert needle in str(caught.value)


def test_a_duration_may_be_negative_only_where_that_is_asked_for() -> None:
    assert parse_duration("-PT1H", signed=True) == timedelta(hours=-1)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_525)))
def test_what_is_formatted_reads_as_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
    assert parse_duration(format_duration(-duration), signed=True) == -duration


@given(st.text(alphabet="0123456789.PTWDHMSwdhms -", max_size=20) | st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        parsed = parse_duration(text, signed=True)
    except DurationInvalid:
        return
    assert parse_duration(format_duration(parsed), signed=True) == parsed
