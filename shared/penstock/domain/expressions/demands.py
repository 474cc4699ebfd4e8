"""What functions demand of their values, and how they say that one does not suit them."""

from __future__ import annotations

from typing import Any

from penstock.domain.expressions.limits import bounded_number
from penstock.domain.expressions.values import is_number


class Misfit(Exception):
    """
    The value at ``position`` is not what the function ``expected``; the caller knows how it is written.

    ``given`` says what it is, where its kind alone would not tell the difference.
    """

    def __init__(self, position: int, expected: str, given: str = "") -> None:
        super().__init__(position, expected, given)
        self.position = position
        self.expected = expected
        self.given = given


def text(value: Any, position: int) -> str:
    if type(value) is not str:
        raise Misfit(position, "a string")
    return value


def items_of(value: Any, position: int) -> list[Any]:
    if type(value) is not list:
        raise Misfit(position, "a list")
    return value


def whole(value: Any, position: int) -> int:
    if is_number(value) and value - value == 0 and value == int(value):
        return int(value)
    raise Misfit(position, "a whole number", "another number" if is_number(value) else "")


def number(value: Any, position: int) -> int | float:
    if not is_number(value):
        raise Misfit(position, "a number")
    return bounded_number(value)


def piece(value: Any, position: int) -> str:
    """A piece to look for: a string that is not empty, or the search would find it everywhere."""
    if not text(value, position):
        raise Misfit(position, "a string that is not empty", "an empty one")
    return str(value)
