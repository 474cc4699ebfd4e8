"""When a cron expression is due next, in the time of a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

MAX_CRON: Final = 100
"""Characters of an expression."""

_MAX_ZONE: Final = 100


class CronInvalid(ValueError):
    """The expression or the time zone is none, or the expression is never due."""


def next_tick(expression: str, timezone: str, after: datetime) -> datetime:
    """
    The first moment later than ``after`` at which ``expression`` is due in ``timezone``, in UTC.

    An hour that the clocks leave out is made up for right after it; one that they repeat is passed once.

    Raises:
        CronInvalid: there is none; the message is for the author.

    """
    local = after.astimezone(_zone(timezone))
    ticks = _ticks(expression, local)
    try:
        due = next(ticks).astimezone(UTC)
        # across a change of clocks the library may step back onto the moment it started from
        while due <= after:
            due = next(ticks).astimezone(UTC)
    except StopIteration:
        raise CronInvalid(f"expected a cron expression that is due some time, but `{expression}` never is") from None
    return due


def check_cron(expression: str, timezone: str = "UTC") -> None:
    """
    Do nothing if ``expression`` is due again and again in ``timezone``.

    Raises:
        CronInvalid: it is not.

    """
    next_tick(expression, timezone, datetime(2024, 1, 1, tzinfo=UTC))


def check_timezone(timezone: str) -> None:
    """
    Do nothing if there is such a time zone.

    Raises:
        CronInvalid: there is none.

    """
    _zone(timezone)


def _ticks(expression: str, start: datetime) -> CronSim:
    fields = expression.split() if len(expression) <= MAX_CRON else []
    if len(fields) != 5:
        message = f"expected minute, hour, day, month and weekday, but got {len(fields)} fields"
        raise CronInvalid(f"{message}; write it like 0 9 * * 1-5")
    try:
        return CronSim(expression, start - timedelta(microseconds=start.microsecond))
    except CronSimError as error:
        reason = str(error).lower() or "it cannot be read"
        raise CronInvalid(f"expected a cron expression, but `{expression}` is none: {reason}") from error


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        if len(name) > _MAX_ZONE:
            raise ValueError(name[:_MAX_ZONE])
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"expected a time zone like Europe/Berlin, but there is no {name[:_MAX_ZONE]!r}"
        raise CronInvalid(message) from error
