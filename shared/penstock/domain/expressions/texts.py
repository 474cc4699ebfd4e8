"""The functions on strings."""

from __future__ import annotations

from typing import Any

from penstock.domain.expressions import demands
from penstock.domain.expressions.demands import Misfit
from penstock.domain.expressions.limits import LIST_LENGTH, TEXT_LENGTH, bounded_list, bounded_text, text_too_large
from penstock.domain.expressions.values import kind_of, text_of


def lower(value: Any) -> object:
    return bounded_text(demands.text(value, 0).lower())


def upper(value: Any) -> object:
    return bounded_text(demands.text(value, 0).upper())


def trim(value: Any) -> object:
    return bounded_text(demands.text(value, 0).strip())


def starts_with(value: Any, start: Any) -> object:
    return demands.text(value, 0).startswith(demands.text(start, 1))


def ends_with(value: Any, end: Any) -> object:
    return demands.text(value, 0).endswith(demands.text(end, 1))


def split(value: Any, separator: Any) -> object:
    whole, mark = demands.text(value, 0), demands.piece(separator, 1)
    return bounded_list([*whole.split(mark, LIST_LENGTH)])


def join(items: Any, separator: Any) -> object:
    texts: list[str] = []
    size = 0
    mark = demands.text(separator, 1)
    for item in demands.items_of(items, 0):
        if type(item) in (list, dict, type(None)):
            raise Misfit(0, f"a list of strings, numbers and booleans, without {kind_of(item)} in it")
        texts.append(text_of(item))
        size += len(texts[-1]) + len(mark)
        if size > TEXT_LENGTH + len(mark):
            raise text_too_large()
    return bounded_text(mark.join(texts))


def replace(value: Any, old: Any, new: Any) -> object:
    whole, before, after = demands.text(value, 0), demands.piece(old, 1), demands.text(new, 2)
    if len(whole) + whole.count(before) * (len(after) - len(before)) > TEXT_LENGTH:
        raise text_too_large()
    return whole.replace(before, after)
