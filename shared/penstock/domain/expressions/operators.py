"""Operators on JSON values. Each takes two values and gives one, or says by ``Unfit`` that they do not suit it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from penstock.domain.expressions.failures import EvaluationFailed
from penstock.domain.expressions.limits import bounded_list, bounded_number, bounded_text
from penstock.domain.expressions.values import equal, is_number


class Unfit(Exception):
    """The values are of kinds for which the operator has no meaning; the caller knows their names."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def add(left: Any, right: Any) -> object:
    if is_number(left) and is_number(right):
        return _number(operator.add, left, right)
    if type(left) is str and type(right) is str:
        return bounded_text(left + right)
    if type(left) is list and type(right) is list:
        return bounded_list(left + right)
    raise Unfit("two numbers, two strings or two lists (`string(x)` makes a string of anything)")


def subtract(left: Any, right: Any) -> object:
    return _calculate(operator.sub, left, right)


def multiply(left: Any, right: Any) -> object:
    return _calculate(operator.mul, left, right)


def divide(left: Any, right: Any) -> object:
    return _calculate(_quotient, left, right)


def remainder(left: Any, right: Any) -> object:
    return _calculate(operator.mod, left, right)


def negate(value: Any) -> object:
    if not is_number(value):
        raise Unfit("a number")
    return bounded_number(-value)


def contains(container: Any, item: Any) -> bool:
    kind = type(container)
    if kind is list:
        if item is None or type(item) is str:  # equal to nothing of another kind for Python either, and quicker
            return item in container
        return any(equal(item, other) for other in container)
    if kind is str:
        if type(item) is str:
            return item in container
        raise Unfit("a string to look for in a string")
    if kind is dict:
        if type(item) is str:
            return item in container
        raise Unfit("a string to look for among the keys of an object")
    raise Unfit("a list, a string or an object to look in")


def ordered(relation: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """``relation`` between numbers, or between strings; between nothing else."""

    def compare(left: Any, right: Any) -> bool:
        kind = type(left)
        if kind is int or kind is float:
            other = type(right)
            if other is int or other is float:
                return relation(left, right)
        elif kind is str and type(right) is str:
            return relation(left, right)
        raise Unfit("two numbers or two strings")

    return compare


def _calculate(rule: Callable[[Any, Any], int | float], left: Any, right: Any) -> int | float:
    if is_number(left) and is_number(right):
        return _number(rule, left, right)
    raise Unfit("two numbers")


def _number(rule: Callable[[Any, Any], int | float], left: int | float, right: int | float) -> int | float:
    try:
        return bounded_number(rule(bounded_number(left), bounded_number(right)))
    except ZeroDivisionError:
        raise EvaluationFailed("DIVISION_BY_ZERO", "expected a divisor other than 0, but got 0") from None


def _quotient(left: int | float, right: int | float) -> int | float:
    if type(left) is int and type(right) is int and left % right == 0:
        return left // right
    return left / right


ARITHMETIC: Final[dict[str, Callable[[Any, Any], object]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}
RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": ordered(operator.lt),
    "<=": ordered(operator.le),
    ">": ordered(operator.gt),
    ">=": ordered(operator.ge),
    "in": lambda left, right: contains(right, left),
    "not in": lambda left, right: not contains(right, left),
}
