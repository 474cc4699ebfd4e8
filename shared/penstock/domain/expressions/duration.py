"""Lengths of time as people write them: ISO 8601 (``PT30M``) or numbers with units (``1h30m``)."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias

Unit: TypeAlias = Literal["ms", "s", "min", "h", "d"]

_MICROSECONDS: Final = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
}
_LONGEST: Final = 36_525 * _MICROSECONDS["d"]
_NUMBER: Final = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_BARE: Final = re.compile(_NUMBER)
_ISO: Final = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)
_ISO_UNITS: Final[tuple[str, ...]] = ("w", "d", "h", "m", "s")
_SUFFIXED: Final = re.compile(
    rf"(?:({_NUMBER})w)?\s*(?:({_NUMBER})d)?\s*(?:({_NUMBER})h)?\s*(?:({_NUMBER})m(?!s))?\s*"
    rf"(?:({_NUMBER})s)?\s*(?:({_NUMBER})ms)?"
)
_SUFFIXES: Final[tuple[str, ...]] = ("w", "d", "h", "m", "s", "ms")
_WORDS: Final = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w",
    "millis": "ms", "msec": "ms", "milliseconds": "ms", "millisecond": "ms",
}  # fmt: skip
_FORMS: Final = "write it as 90s, 30m, 24h, 1h30m, 500ms, 2d or PT30M"


class DurationInvalid(ValueError):
    """The text is no length of time."""


def parse_duration(text: object, unit: Unit | None = None, *, signed: bool = False) -> timedelta:
    """
    The length of time that ``text`` says.

    A bare number, as text or not, counts in ``unit``. Less than nothing is allowed only where ``signed``.

    Raises:
        DurationInvalid: it says none, or a bare number came without ``unit``, or it exceeds a hundred years.

    """
    if type(text) in (int, float):
        text = format(Decimal(repr(text)), "f")
    if not isinstance(text, str):
        raise DurationInvalid(f"expected a duration as text, but got {type(text).__name__}; {_FORMS}")
    written = text.strip()
    if len(written) > 100:
        raise DurationInvalid(f"expected a duration, but got {len(written)} characters; {_FORMS}")
    sign = -1 if written.startswith("-") else 1
    if sign < 0 and not signed:
        raise DurationInvalid(f"expected a duration of 0 or more, but `{written}` is negative")
    amount = _microseconds(written.removeprefix("-"), unit)
    if amount > _LONGEST:
        raise DurationInvalid(f"expected at most a hundred years, but `{written}` is longer")
    return timedelta(microseconds=sign * amount)


def format_duration(duration: timedelta) -> str:
    """``duration`` in ISO 8601, as ``parse_duration`` reads it: days, hours, minutes, seconds, without zeros."""
    rest = abs(duration)
    minutes, seconds = divmod(rest.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f"{seconds}.{rest.microseconds:06d}".rstrip("0").rstrip(".") if rest.microseconds else str(seconds)
    days = f"{rest.days}D" if rest.days else ""
    time = "".join((f"{hours}H" * (hours > 0), f"{minutes}M" * (minutes > 0), f"{fraction}S" * (fraction != "0")))
    if not days and not time:
        return "PT0S"
    return f"{'-' if duration < timedelta(0) else ''}P{days}{'T' if time else ''}{time}"


def _microseconds(written: str, unit: Unit | None) -> int:
    if _BARE.fullmatch(written):
        if unit is None:
            raise DurationInvalid(f"expected a duration, but `{written}` has no unit; {_FORMS}")
        return _total(written, [(written, unit)])
    iso = _ISO.fullmatch(written.upper())
    match = iso or _SUFFIXED.fullmatch(written)
    units = _ISO_UNITS if iso else _SUFFIXES
    parts = [(value, name) for value, name in zip(match.groups(), units, strict=True) if value] if match else []
    if not parts:
        raise DurationInvalid(f"expected a duration, but got `{written}`; {_advice(written)}")
    return _total(written, parts)


def _total(written: str, parts: list[tuple[str, str]]) -> int:
    total = sum((Decimal(value) * _MICROSECONDS[name] for value, name in parts), Decimal(0))
    if total != int(total):
        raise DurationInvalid(f"expected whole microseconds, but `{written}` is finer")
    return int(total)


def _advice(written: str) -> str:
    if written[:1] in ("P", "p"):
        date = written.upper().partition("T")[0]
        if re.search(r"[0-9][YM]", date):
            return "months and years have no fixed length: write days (P30D), or PT1M for a minute"
        return "ISO 8601 puts days before the T and hours, minutes and seconds after it: P1DT2H"
    found = re.findall(rf"({_NUMBER})\s*([^\W\d_]+)", written)
    if found and all(word.lower() in _WORDS or word.lower() in _SUFFIXES for _, word in found):
        names = [_WORDS.get(word.lower(), word.lower()) for _, word in found]
        if names == sorted(set(names), key=_SUFFIXES.index):
            return f"write {''.join(f'{value}{name}' for (value, _), name in zip(found, names, strict=True))}"
        return "write each unit once, the largest first: 1h30m"
    return _FORMS
