"""The functions on numbers, and those that make a number or a boolean of something else."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

from penstock.domain.expressions import demands
from penstock.domain.expressions.demands import Misfit
from penstock.domain.expressions.limits import INTEGER, bounded_number
from penstock.domain.expressions.values import is_number, kind_of

_NUMBER: Final = re.compile(r"[ \t\r\n]*[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?[ \t\r\n]*")
_WIDE: Final = 60
_PLACES: Final = 15


def absolute(value: Any) -> object:
    return abs(demands.number(value, 0))


def floor(value: Any) -> object:
    return bounded_number(math.floor(demands.number(value, 0)))


def ceil(value: Any) -> object:
    return bounded_number(math.ceil(demands.number(value, 0)))


def total(items: Any) -> object:
    result: int | float = 0
    for item in demands.items_of(items, 0):
        if not is_number(item):
            raise Misfit(0, f"a list of numbers, without {kind_of(item)} in it")
        result = bounded_number(result + bounded_number(item))
    return result


def rounded(value: Any, digits: Any = 0) -> object:
    exact, places = demands.number(value, 0), demands.whole(digits, 1)
    if not 0 <= places <= _PLACES:
        raise Misfit(1, f"a whole number from 0 to {_PLACES}", "another number")
    if type(exact) is int or abs(exact) >= INTEGER:  # such a float is whole already
        return exact if places else bounded_number(int(exact))
    near = Decimal(repr(exact)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=_WIDE))
    return float(near) if places else int(near)


def to_number(value: Any) -> object:
    if type(value) is str:
        if not _NUMBER.fullmatch(value):
            raise Misfit(0, "a string that holds a number, such as '12.5'", "another string")
        return bounded_number(float(value) if any(mark in value for mark in ".eE") else int(value))
    return demands.number(value, 0)


def to_bool(value: Any) -> object:
    if type(value) is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value is None or type(value) is bool or is_number(value):
        return bool(value)
    raise Misfit(
        0,
        "'true', 'false', a boolean, a number or null (`!!x` asks for truth)",
        "another string" if type(value) is str else "",
    )
