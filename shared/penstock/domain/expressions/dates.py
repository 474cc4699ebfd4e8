"""The functions on times, which are ISO 8601 strings. None of them knows what time it is now."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from penstock.domain.expressions import demands
from penstock.domain.expressions.demands import Misfit
from penstock.domain.expressions.duration import DurationInvalid, parse_duration
from penstock.domain.expressions.failures import EvaluationFailed

# narrower than fromisoformat, which accepts more in every release of Python: a replay must not depend on it
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_DATE: Final = 10
_PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    "year": lambda time: time.year,
    "month": lambda time: time.month,
    "day": lambda time: time.day,
    "hour": lambda time: time.hour,
    "minute": lambda time: time.minute,
    "second": lambda time: time.second,
    "weekday": lambda time: time.isoweekday(),
    "week": lambda time: time.isocalendar().week,
    "day_of_year": lambda time: time.timetuple().tm_yday,
}


def date_add(time: Any, duration: Any) -> object:
    """``time`` moved by ``duration``, in the same zone; a plain date stays one if it moves by whole days."""
    moment, written = _moment(time, 0), demands.text(duration, 1)
    try:
        length = parse_duration(written, signed=True)
    except DurationInvalid:
        raise Misfit(1, "a duration such as 'P1D', '90m' or '-2h'", "another string") from None
    try:
        moved = moment + length
    except OverflowError:
        raise EvaluationFailed(
            "OUT_OF_RANGE", "expected a time between the years 1 and 9999, but got another"
        ) from None
    if len(time) == _DATE and not length.seconds and not length.microseconds:
        return moved.date().isoformat()
    precision = "milliseconds" if moved.microsecond and moved.microsecond % 1000 == 0 else "auto"
    return moved.isoformat(timespec=precision).replace("+00:00", "Z")


def date_diff(later: Any, earlier: Any) -> object:
    """The seconds from ``earlier`` to ``later``; negative if they come in the other order."""
    difference = _moment(later, 0) - _moment(earlier, 1)
    whole = difference.days * 86_400 + difference.seconds
    return whole + difference.microseconds / 1_000_000 if difference.microseconds else whole


def date_part(time: Any, part: Any) -> object:
    moment, name = _moment(time, 0), demands.text(part, 1)
    if name not in _PARTS:
        raise Misfit(1, f"one of {', '.join(repr(known) for known in _PARTS)}", "another string")
    return _PARTS[name](moment)


def _moment(time: Any, position: int) -> datetime:
    expected = "a time in ISO 8601, such as '2026-11-21T09:30:00Z' or '2026-11-21'"
    if type(time) is not str or not _TIME.fullmatch(time):
        raise Misfit(position, expected, "another string" if type(time) is str else "")
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise Misfit(position, expected, "not in the calendar") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
