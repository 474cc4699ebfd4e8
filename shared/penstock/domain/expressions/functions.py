"""
The functions of the language, by name.

None takes a function, a pattern or a count to repeat, so that each is at most one walk through its values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.domain.expressions import dates, lists, numbers, texts, values


@dataclass(frozen=True, slots=True)
class Function:
    """``call`` takes from ``least`` to ``most`` values. A path among the first ``lenient`` ones may lead nowhere."""

    call: Callable[..., object]
    least: int
    most: int
    usage: str
    lenient: int = 0


_MANY: Final = 100

FUNCTIONS: Final[dict[str, Function]] = {
    "len": Function(lists.length, 1, 1, "len(value)"),
    "size": Function(lists.length, 1, 1, "size(value)"),
    "contains": Function(lists.contains, 2, 2, "contains(container, item)"),
    "lower": Function(texts.lower, 1, 1, "lower(text)"),
    "upper": Function(texts.upper, 1, 1, "upper(text)"),
    "trim": Function(texts.trim, 1, 1, "trim(text)"),
    "starts_with": Function(texts.starts_with, 2, 2, "starts_with(text, start)"),
    "ends_with": Function(texts.ends_with, 2, 2, "ends_with(text, end)"),
    "split": Function(texts.split, 2, 2, "split(text, separator)"),
    "join": Function(texts.join, 2, 2, "join(list, separator)"),
    "replace": Function(texts.replace, 3, 3, "replace(text, old, new)"),
    "slice": Function(lists.sliced, 2, 3, "slice(value, start, end)"),
    "first": Function(lists.end(0), 1, 1, "first(list)"),
    "last": Function(lists.end(-1), 1, 1, "last(list)"),
    "unique": Function(lists.unique, 1, 1, "unique(list)"),
    "sort": Function(lists.sort, 1, 1, "sort(list)"),
    "any": Function(lists.quantified(any), 1, 1, "any(list)"),
    "all": Function(lists.quantified(all), 1, 1, "all(list)"),
    "keys": Function(lists.keys, 1, 1, "keys(object)"),
    "values": Function(lists.values, 1, 1, "values(object)"),
    "min": Function(lists.extreme(min), 1, _MANY, "min(list)"),
    "max": Function(lists.extreme(max), 1, _MANY, "max(list)"),
    "sum": Function(numbers.total, 1, 1, "sum(list)"),
    "abs": Function(numbers.absolute, 1, 1, "abs(number)"),
    "round": Function(numbers.rounded, 1, 2, "round(number, digits)"),
    "floor": Function(numbers.floor, 1, 1, "floor(number)"),
    "ceil": Function(numbers.ceil, 1, 1, "ceil(number)"),
    "number": Function(numbers.to_number, 1, 1, "number(value)"),
    "string": Function(values.text_of, 1, 1, "string(value)"),
    "bool": Function(numbers.to_bool, 1, 1, "bool(value)"),
    "date_add": Function(dates.date_add, 2, 2, "date_add(time, duration)"),
    "date_diff": Function(dates.date_diff, 2, 2, "date_diff(later, earlier)"),
    "date_part": Function(dates.date_part, 2, 2, "date_part(time, part)"),
    "default": Function(lists.coalesce, 2, 2, "default(value, fallback)", lenient=1),
    "coalesce": Function(lists.coalesce, 1, _MANY, "coalesce(value, …)", lenient=_MANY),
}
