"""What every operator and function knows about a value: its kind, its text, and whether it equals another."""

from __future__ import annotations

import json
from typing import Any, Final

from penstock.domain.expressions.failures import EvaluationFailed
from penstock.domain.expressions.limits import TEXT_LENGTH, text_too_large

_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
_SCALARS: Final = frozenset({type(None), bool, str})
_NUMBERS: Final = frozenset({int, float})


def kind_of(value: object) -> str:
    return _KINDS.get(type(value), "no JSON value")


def is_number(value: object) -> bool:
    return type(value) in _NUMBERS


def equal(left: Any, right: Any) -> bool:
    """Whether both are the same JSON value: 1 equals 1.0, but True does not equal 1. In depth, without recursion."""
    waiting = [(left, right)]
    while waiting:
        left, right = waiting.pop()
        kind = type(left)
        if kind in _NUMBERS:
            if type(right) not in _NUMBERS or left != right:
                return False
        elif kind is not type(right):
            return False
        elif kind in _SCALARS:
            if left != right:
                return False
        elif kind is list:
            if len(left) != len(right):
                return False
            waiting.extend(zip(left, right, strict=True))
        elif kind is dict:
            if left.keys() != right.keys():
                return False
            waiting.extend((value, right[key]) for key, value in left.items())
        else:
            return False
    return True


def text_of(value: object) -> str:
    """
    ``value`` as text: a string as it is, anything else as compact JSON.

    Raises:
        EvaluationFailed: the text would be too large, or it is no JSON value.

    """
    if type(value) is str:
        text = value
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        except RecursionError:
            raise text_too_large() from None
        except (TypeError, ValueError):
            raise EvaluationFailed("TYPE_MISMATCH", "expected a JSON value to write as text, but got another") from None
    if len(text) > TEXT_LENGTH:
        raise text_too_large()
    return text
