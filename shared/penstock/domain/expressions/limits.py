"""The bounds that keep every expression small, quick and exact."""

from __future__ import annotations

from typing import Final

from penstock.domain.expressions.failures import EvaluationFailed

SOURCE_LENGTH: Final = 2_000
NESTING: Final = 32
TEXT_LENGTH: Final = 65_536
LIST_LENGTH: Final = 10_000
TEMPLATE_NESTING: Final = 64
INTEGER: Final = 2**53


def bounded_text(text: str) -> str:
    """
    ``text``, if it is short enough to be a result.

    Raises:
        EvaluationFailed: it is not.

    """
    if len(text) > TEXT_LENGTH:
        raise text_too_large()
    return text


def bounded_list(items: list[object]) -> list[object]:
    """
    ``items``, if they are few enough to be a result.

    Raises:
        EvaluationFailed: they are not.

    """
    if len(items) > LIST_LENGTH:
        raise EvaluationFailed("TOO_LARGE", f"expected a list of at most {LIST_LENGTH:,} items, but got more")
    return items


def text_too_large() -> EvaluationFailed:
    return EvaluationFailed("TOO_LARGE", f"expected a text of at most {TEXT_LENGTH:,} characters, but got more")


def bounded_number(number: int | float) -> int | float:
    """
    ``number``, if JSON can carry it exactly: finite, and an integer within 2^53 of zero.

    Raises:
        EvaluationFailed: it cannot.

    """
    if type(number) is int:
        if -INTEGER <= number <= INTEGER:
            return number
        raise EvaluationFailed("OUT_OF_RANGE", "expected an integer between -2^53 and 2^53, but got one beyond")
    if number - number == 0:  # false for the infinities and for NaN
        return number
    raise EvaluationFailed("OUT_OF_RANGE", "expected a finite number, but got one beyond every float")
