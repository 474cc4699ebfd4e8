"""The functions on lists and objects; some take strings as lists of characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.domain.expressions import demands, operators
from penstock.domain.expressions.demands import Misfit
from penstock.domain.expressions.limits import bounded_list, bounded_text
from penstock.domain.expressions.values import is_number, kind_of


def length(value: Any) -> int:
    if type(value) in (str, list, dict):
        return len(value)
    raise Misfit(0, "a string, a list or an object")


def contains(container: Any, item: Any) -> object:
    try:
        return operators.contains(container, item)
    except operators.Unfit as unfit:
        raise Misfit(1 if unfit.expected.startswith("a string to") else 0, unfit.expected) from None


def extreme(choose: Callable[[list[Any]], object]) -> Callable[..., object]:
    def call(*values: Any) -> object:
        items = demands.items_of(values[0], 0) if len(values) == 1 else list(values)
        if all(is_number(item) for item in items) or all(type(item) is str for item in items):
            return choose(items) if items else None
        raise Misfit(0, "only numbers or only strings, or one list of them")

    return call


def keys(value: Any) -> object:
    if type(value) is not dict:
        raise Misfit(0, "an object")
    return bounded_list(list(value))


def values(value: Any) -> object:
    if type(value) is not dict:
        raise Misfit(0, "an object")
    return bounded_list(list(value.values()))


def end(place: int) -> Callable[[Any], object]:
    def call(value: Any) -> object:
        if type(value) not in (list, str):
            raise Misfit(0, "a list or a string")
        return value[place] if value else None

    return call


def sliced(value: Any, start: Any, end: Any = None) -> object:
    if type(value) not in (list, str):
        raise Misfit(0, "a list or a string")
    piece = value[demands.whole(start, 1) : None if end is None else demands.whole(end, 2)]
    return bounded_text(piece) if type(piece) is str else bounded_list(piece)


def unique(items: Any) -> object:
    seen: dict[tuple[object, Any], object] = {}
    for item in demands.items_of(items, 0):
        if item is not None and type(item) not in (str, int, float, bool):
            raise Misfit(0, f"a list of strings, numbers, booleans and nulls, without {kind_of(item)} in it")
        seen.setdefault((kind_of(item), item), item)
    return bounded_list(list(seen.values()))


def sort(items: Any) -> object:
    values = demands.items_of(items, 0)
    if all(is_number(item) for item in values) or all(type(item) is str for item in values):
        bounded_list(values)
        return sorted(values)
    raise Misfit(0, "a list of only numbers or only strings")


def quantified(decide: Callable[[list[bool]], bool]) -> Callable[[Any], object]:
    def call(items: Any) -> object:
        for item in demands.items_of(items, 0):
            if type(item) is not bool:
                raise Misfit(0, f"a list of booleans, without {kind_of(item)} in it")
        return decide(items)

    return call


def coalesce(*values: object) -> object:
    return next((value for value in values if value is not None), None)
