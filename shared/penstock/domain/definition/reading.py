"""What the readers of a source share: the report, the names that are read and set, and how a value is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from penstock.domain.definition.findings import Path, Report
from penstock.domain.definition.limits import MAX_SECONDS, RESERVED_VARIABLES, RESERVED_WORDS, VARIABLE
from penstock.domain.definition.model import Period
from penstock.domain.expressions.duration import DurationInvalid, parse_duration
from penstock.domain.expressions.expression import ExpressionInvalid, compile_expression
from penstock.domain.expressions.template import compile_template

_TEMPLATE = "{{"
_DURATIONS = "write it like 90s, 5m, 1h30m, 2d or PT1M30S"


class Read(NamedTuple):
    """
    Names that ``text`` reads and needs; ``seen`` are those that are known only where it stands.

    ``closed``: it sees nothing else, not even the variables.
    """

    names: frozenset[str]
    text: str
    path: Path
    seen: frozenset[str]
    closed: bool = False


@dataclass(slots=True)
class Reading:
    """The state of one pass over a source; ``local`` are the names that the bodies around the place declare."""

    report: Report
    reads: list[Read] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)
    local: frozenset[str] = frozenset()
    closed: bool = False

    @contextmanager
    def seeing(self, names: Iterable[str], *, closed: bool = False) -> Iterator[None]:
        """What is read in here sees ``names`` too; ``closed``: it sees nothing but them."""
        before = self.local, self.closed
        self.local, self.closed = (frozenset(names) if closed else self.local | frozenset(names)), closed
        try:
            yield
        finally:
            self.local, self.closed = before

    def fields(self, value: Any, path: Path, known: Iterable[str], what: str) -> Mapping[str, Any] | None:
        """``value`` if it is a mapping; keys that are not ``known`` are reported, with the nearest that is."""
        if not isinstance(value, Mapping):
            self.wrong_type(value, path, f"{what} to be a mapping")
            return None
        names = tuple(known)
        for key in value:
            if key not in names:
                advice = self.report.nearest(key, names) or f"{what} has {', '.join(names)}"
                self.report.at_key("UNKNOWN_KEY", f"unknown key {_short(key)!r} in {what}", (*path, key), advice)
        return value

    def wrong_type(self, value: Any, path: Path, expected: str, suggestion: str = "") -> None:
        self.report.error("WRONG_TYPE", f"expected {expected}, but got {type_name(value)}", path, suggestion)

    def missing(self, key: str, path: Path, what: str, suggestion: str = "") -> None:
        self.report.error("MISSING", f"expected {what} to have {key!r}", (*path, key), suggestion)

    def text(self, value: Any, path: Path, what: str, most: int) -> str:
        if not isinstance(value, str):
            self.wrong_type(value, path, f"{what} to be a text", "put it in quotes" if _is_number(value) else "")
            return ""
        if len(value) > most:
            self.report.error(
                "TOO_LONG", f"expected {what} of at most {most:,} characters, but got {len(value):,}", path
            )
            return ""
        return value

    def word(
        self, value: Any, path: Path, what: str, pattern: str, *, code: str = "BAD_NAME", suggestion: str = ""
    ) -> str | None:
        """A text that matches ``pattern``."""
        if not isinstance(value, str):
            self.wrong_type(value, path, f"{what} to be a text", suggestion if _is_number(value) else "")
            return None
        if not matches(pattern, value):
            self.report.error(
                code, f"expected {what} like {_readable(pattern)}, but got {_short(value)!r}", path, suggestion
            )
            return None
        return value

    def texts(self, value: Any, path: Path, what: str, most: int, length: int) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(value, list):
            self.wrong_type(value, path, f"{what} to be a list of texts")
            return ()
        if len(value) > most:
            self.report.error("TOO_MANY", f"expected at most {most:,} {what}, but got {len(value):,}", path)
            return ()
        return tuple(self.text(item, (*path, index), f"each of {what}", length) for index, item in enumerate(value))

    def number(self, value: Any, path: Path, what: str, least: float, most: float) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong_type(value, path, f"{what} to be a number")
            return None
        if not least <= value <= most:
            self.report.error("OUT_OF_RANGE", f"expected {what} from {least:g} to {most:g}, but got {value}", path)
            return None
        return float(value)

    def whole(self, value: Any, path: Path, what: str, least: int, most: int) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong_type(value, path, f"{what} to be a whole number")
            return None
        number = self.number(value, path, what, least, most)
        return None if number is None else int(number)

    def duration(self, value: Any, path: Path, what: str, *, zero: bool = False) -> float | None:
        """Seconds; a text like ``90s`` or ``PT1M30S``, or a number of seconds."""
        if isinstance(value, str):
            if _TEMPLATE in value:
                self.report.error("BAD_DURATION", f"expected {what} to be fixed, but got a template", path)
                return None
            try:
                seconds = parse_duration(value).total_seconds()
            except DurationInvalid as error:
                message, _, advice = str(error).partition("; ")
                self.report.error("BAD_DURATION", message, path, advice)
                return None
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong_type(value, path, f"{what} to be a duration", _DURATIONS)
            return None
        else:
            seconds = float(value)
        if 0 < seconds <= MAX_SECONDS or (zero and seconds == 0):
            return seconds
        least = "0 s" if zero else "more than 0 s"
        self.report.error("OUT_OF_RANGE", f"expected {what} of {least} and at most 100 years, but got {value}", path)
        return None

    def period(self, value: Any, path: Path, what: str, *, zero: bool = False) -> Period | None:
        """Seconds, or a template that gives a duration when the step is entered."""
        if isinstance(value, str) and _TEMPLATE in value:
            return value if self.template(value, path) else None
        return self.duration(value, path, what, zero=zero)

    def moment(self, value: Any, path: Path) -> str | None:
        """A date-time as ISO 8601, or a template that gives one."""
        if not isinstance(value, str):
            self.wrong_type(value, path, "`until` to be a date-time or a template")
            return None
        if _TEMPLATE in value:
            return value if self.template(value, path) else None
        try:
            datetime.fromisoformat(value)
        except ValueError:
            advice = "write it like 2027-01-31T09:00:00Z, or as a template: {{ ship_date }}"
            self.report.error("BAD_MOMENT", f"expected an ISO 8601 date-time, but got {_short(value)!r}", path, advice)
            return None
        return value

    def flag(self, value: Any, path: Path, what: str, *, default: bool) -> bool:
        if isinstance(value, bool):
            return value
        self.wrong_type(value, path, f"{what} to be true or false")
        return default

    def one_of(self, value: Any, path: Path, what: str, known: Sequence[str]) -> str:
        """One of a few words; the first of them where it is none."""
        if isinstance(value, str) and value in known:
            return value
        advice = self.nearest_to(value, known)
        message = f"expected {what} to be {' or '.join(known)}, but got {value!r:.60}"
        self.report.error("BAD_VALUE", message, path, advice)
        return known[0]

    def nearest_to(self, value: Any, known: Sequence[str]) -> str:
        return self.report.nearest(value, known) if isinstance(value, str) else ""

    def condition(self, value: Any, path: Path, what: str = "`when`") -> str | None:
        """The source of a condition that compiles."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            self.wrong_type(value, path, f"{what} to be an expression")
            return None
        try:
            expression = compile_expression(value)
        except ExpressionInvalid as error:
            advice = error.suggestion
            if _TEMPLATE in value:
                advice = "write a condition without {{ }}"
            self.report.broken("BAD_EXPRESSION", error.message, path, advice, within=error.column)
            return None
        self._note(expression.names - expression.optional_names, value, path)
        return value

    def template(self, value: Any, path: Path) -> bool:
        """Whether every text within ``value`` compiles; each broken one is reported at its own path."""
        if isinstance(value, str):
            return _TEMPLATE not in value or self._one_template(value, path)
        sound = True
        if isinstance(value, Mapping):
            for key, item in value.items():
                if _TEMPLATE in key:
                    sound = False
                    message = "expected a key without {{, but keys are no templates"
                    self.report.at_key("BAD_TEMPLATE", message, (*path, key), "use a list of pairs")
                sound = self.template(item, (*path, key)) and sound
        elif isinstance(value, list):
            for index, item in enumerate(value):
                sound = self.template(item, (*path, index)) and sound
        return sound

    def assignments(self, value: Any, path: Path, what: str) -> dict[str, Any] | None:
        """Variables and the templates that set them."""
        if self.names_set(value, path, what) is None:
            return None
        self.template(value, path)
        return dict(value)

    def names_set(self, value: Any, path: Path, what: str) -> dict[str, Any] | None:
        """Variables and whatever they are set to."""
        if not isinstance(value, Mapping):
            self.wrong_type(value, path, f"{what} to be a mapping from variables to values")
            return None
        for name in value:
            self.variable(name, (*path, name))
        return dict(value)

    def variable(self, name: str, path: Path) -> None:
        """Note that ``name`` is set, if it may be."""
        if name in RESERVED_VARIABLES or name in RESERVED_WORDS:
            message = f"expected the name of a variable, but {name!r} has a meaning of its own"
            self.report.at_key("RESERVED_NAME", message, path, f"call it my_{name.lower()}, for instance")
        elif not matches(VARIABLE, name):
            message = f"expected the name of a variable to be letters, digits and _, but got {_short(name)!r}"
            self.report.at_key("BAD_NAME", message, path)
        elif name not in self.local:
            self.writes.add(name)

    def _one_template(self, text: str, path: Path) -> bool:
        try:
            template = compile_template(text)
        except ExpressionInvalid as error:
            self.report.broken("BAD_TEMPLATE", error.message, path, error.suggestion, within=error.column)
            return False
        self._note(template.names - template.optional_names, text, path)
        return True

    def _note(self, names: frozenset[str], text: str, path: Path) -> None:
        if names:
            self.reads.append(Read(names, text, path, self.local, self.closed))


def type_name(value: Any) -> str:
    """The type of ``value`` as somebody who writes YAML knows it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is of this shape; unlike ``$``, a line break at the end is not passed over."""
    return not text.endswith("\n") and _compiled(pattern).match(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _readable(pattern: str) -> str:
    return pattern[1:-1]


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
