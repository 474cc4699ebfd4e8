"""Any value of a message type, made from its annotations, so that a new field is tested from its first day."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

S = TypeVar("S", bound=msgspec.Struct)

INTEGERS: Final = st.integers(min_value=-(2**53), max_value=2**53)
LETTERS: Final = st.characters(exclude_characters="\0", codec="utf-8")
TEXTS: Final = st.text(LETTERS, max_size=12)
FLOATS: Final = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS: Final = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

_PLAIN: Final[Mapping[object, st.SearchStrategy[Any]]] = {
    str: TEXTS,
    int: INTEGERS,
    float: FLOATS,
    bool: st.booleans(),
    type(None): st.none(),
    datetime: MOMENTS,
}

JSON_VALUES: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@cache
def struct(cls: type[S]) -> st.SearchStrategy[S]:
    """Values of the message type ``cls``; a field with a default is sometimes left at it."""
    hints = get_type_hints(cls, include_extras=True)
    fields = msgspec.structs.fields(cls)
    required = {f.name: any_of(hints[f.name]) for f in fields if f.required}
    optional = {f.name: any_of(hints[f.name]) for f in fields if not f.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda values: cls(**values))


def smallest(cls: type[S]) -> S:
    """The plainest value of ``cls``: nothing in it that need not be."""
    hints = get_type_hints(cls)
    return cls(**{f.name: _plainest(hints[f.name]) for f in msgspec.structs.fields(cls) if f.required})


def _plainest(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return smallest(annotation)
    if annotation is datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)
    plain: dict[Any, Any] = {str: "x", int: 1, Any: None}
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    return plain[annotation] if annotation in plain else get_origin(annotation)()


def any_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that ``annotation`` allows."""
    if annotation is Any:
        return JSON_VALUES
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return struct(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return st.sampled_from(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _within(any_of(arguments[0]), arguments[1])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([any_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is list:
        return st.lists(any_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=3)
    raise TypeError(f"expected a type that a message can hold, but got {annotation!r}: teach it here")


def _within(values: st.SearchStrategy[Any], limits: msgspec.Meta) -> st.SearchStrategy[Any]:
    """Those of ``values`` that the lengths and bounds of a field let pass; ``TEXTS`` are short already."""
    least, most = limits.min_length or 0, limits.max_length or 10**9
    above = limits.ge if limits.ge is not None else float("-inf")
    below = limits.le if limits.le is not None else float("inf")
    if limits.pattern is not None:
        return st.from_regex(limits.pattern, fullmatch=True)
    return values.filter(lambda v: least <= len(v) <= most if hasattr(v, "__len__") else above <= v <= below)
