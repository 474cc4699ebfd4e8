"""Pages of a query: conditions whose values are always parameters, and opaque cursors that survive new rows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from penstock.tables.pool import Row

MAX_LIMIT: Final = 1000


class CursorInvalid(ValueError):
    """The cursor was not given out by this query."""


@dataclass(frozen=True, slots=True)
class Page:
    """``cursor`` asks for what follows; None is the end."""

    items: Sequence[Mapping[str, Any]]
    cursor: str | None


@dataclass(slots=True)
class Where:
    """Conditions that all have to hold. ``{}`` in a condition stands for its value, which is never part of the SQL."""

    conditions: list[str] = field(default_factory=list)
    arguments: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        places = [f"${len(self.arguments) + n}" for n in range(1, len(values) + 1)]
        self.conditions.append(condition.format(*places))
        self.arguments += values

    def given(self, condition: str, value: object) -> None:
        """The condition, unless there is nothing to compare with."""
        if value is not None:
            self.add(condition, value)

    def __str__(self) -> str:
        return f"where {' and '.join(self.conditions)}" if self.conditions else ""


def to_cursor(kind: str, *keys: object) -> str:
    """An opaque text for the place after the row with ``keys``; ``kind`` names the order that it belongs to."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *keys])).decode().rstrip("=")


def from_cursor(cursor: str, kind: str, *readers: Callable[[Any], Any]) -> tuple[Any, ...]:
    """
    The keys that ``to_cursor`` was given.

    Raises:
        CursorInvalid: it is not a cursor of this order.

    """
    try:
        found, *keys = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if found != kind or len(keys) != len(readers):
            raise ValueError(found)
        return tuple(read(key) for read, key in zip(readers, keys, strict=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise CursorInvalid(f"expected a cursor of an earlier page of this query, but got {cursor[:40]!r}") from error


def as_time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(value)
    return time


def as_text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    return value


def as_number(value: Any) -> int:
    if not isinstance(value, int) or abs(value) >= 2**63:
        raise TypeError(value)
    return value


def page_of(rows: Sequence[Row], limit: int, cursor: Callable[[Mapping[str, Any]], str]) -> Page:
    """The page of ``rows``, which were asked for with ``limit`` and one more."""
    items = [dict(row) for row in rows[:limit]]
    return Page(items, cursor(items[-1]) if len(rows) > limit else None)


def clamped(limit: int) -> int:
    return max(1, min(limit, MAX_LIMIT))
