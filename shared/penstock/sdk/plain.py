"""From values of Python to the plain JSON of a definition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def given(**values: Any) -> dict[str, Any]:
    """What is not None, as plain JSON: a copy, so that nothing that happens to the values later matters."""
    return {key: plain(value) for key, value in values.items() if value is not None}


def plain(value: Any) -> Any:
    """``value`` with mappings as dicts, sequences as lists, and lengths of time as text; the rest as it is."""
    match value:
        case timedelta():
            return duration_text(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def duration_text(length: timedelta) -> str:
    """``1h30m``: its units, the largest first."""
    sign, rest = "-" if length < timedelta(0) else "", abs(length)
    if rest.microseconds % 1_000:  # finer than any unit
        return f"{sign}{rest // _UNITS['s']}.{rest.microseconds:06d}s"
    text = ""
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return f"{sign}{text}" if text else "0s"
