"""The two ways in which an expression can fail, and the words that help its author to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, TypeAlias

FailureCode: TypeAlias = Literal["UNDEFINED_NAME", "TYPE_MISMATCH", "DIVISION_BY_ZERO", "OUT_OF_RANGE", "TOO_LARGE"]


class ExpressionInvalid(ValueError):
    """The text is no expression. ``column`` counts characters from 1; ``suggestion`` may be empty."""

    def __init__(self, message: str, source: str, column: int, suggestion: str = "") -> None:
        super().__init__(message, source, column, suggestion)
        self.message = message
        self.source = source
        self.column = column
        self.suggestion = suggestion

    def __str__(self) -> str:
        advice = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.message}{advice} (column {self.column} of `{shorten(self.source, 120)}`)"


class EvaluationFailed(Exception):
    """
    The expression has no value for these names.

    ``message`` says paths and types, never values: it is recorded, and values may be personal.
    """

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(code, message)
        self.code: FailureCode = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def shorten(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def near(name: str, candidates: Iterable[object]) -> tuple[str, ...]:
    """At most three of ``candidates`` that look like ``name``."""
    if len(name) > 64:  # the comparison is quadratic in the lengths, so both are bounded
        return ()
    known: dict[str, str] = {}
    for candidate in candidates:
        if type(candidate) is str and len(candidate) <= 64:
            known.setdefault(candidate.lower(), candidate)
            if len(known) == 200:
                break
    return tuple(known[match] for match in get_close_matches(name.lower(), sorted(known), n=3, cutoff=0.6))


def did_you_mean(name: str, candidates: Iterable[object]) -> str:
    """The suggestion to use one of ``candidates`` instead of ``name``, or nothing."""
    matches = near(name, candidates)
    return f"did you mean {' or '.join(f'`{shorten(match)}`' for match in matches)}?" if matches else ""
