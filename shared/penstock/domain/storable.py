"""
What no value may hold, because somebody downstream could not store or compare it (decisions 5): NUL, lone surrogates,
numbers that are not finite, integers beyond 2^53, nesting beyond 64.
"""

from __future__ import annotations

import math
from typing import Final

MAX_INTEGER: Final = 2**53
MAX_DEPTH: Final = 64


class NotStorable(Exception):
    """A value holds something on the list above; the message says what and where."""


def check_values(root: object) -> None:
    """
    Let pass what every store can hold. Walks without recursion, so that no depth can hurt it.

    Raises:
        NotStorable: it holds what one of them cannot.

    """
    stack: list[tuple[object, str, int]] = [(root, "$", 0)]
    while stack:
        value, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise NotStorable(f"expected nesting of at most {MAX_DEPTH}, but {path[:80]}... is deeper")
        match value:
            case str():
                _check_text(value, path)
            case bool() | None:
                pass
            case int():
                if abs(value) > MAX_INTEGER:
                    raise NotStorable(f"expected integers within 2^53, but {path} is {value}: send it as a string")
            case float():
                if not math.isfinite(value):
                    raise NotStorable(f"expected finite numbers, but {path} is {value}")
            case dict():
                for key, item in value.items():
                    _check_text(str(key), path)
                    stack.append((item, f"{path}.{key}", depth + 1))
            case list() | tuple():
                stack.extend((item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value))
            case _:
                raise NotStorable(f"expected a JSON value at {path}, but got {type(value).__name__}")


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise NotStorable(f"expected text without NUL, but {path} has one")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise NotStorable(f"expected Unicode text, but {path} has a lone surrogate")
