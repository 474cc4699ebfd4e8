"""
What no payload may hold, because somebody downstream could not store or compare it (decisions 5).

Refused are NUL, lone surrogates, numbers that are not finite, integers beyond 2^53 and nesting beyond 64. The decoder
itself refuses bad UTF-8, lone surrogates and ``NaN``; the rest is looked for in the bytes first, because almost no
payload is suspicious, and in the values only where the bytes are.
"""

from __future__ import annotations

import math
import re

import msgspec

MAX_INTEGER = 2**53
MAX_DEPTH = 64

_LONG_NUMBER = re.compile(rb"[\s:,\[]-?(?:[0-9]{16}|[0-9.]+[eE]\+?[0-9]{2})")
_decode = msgspec.json.Decoder().decode


class Malformed(Exception):
    """Bytes that are not a message of ours, or hold what must not be stored."""


def check_wellformed(value: bytes) -> None:
    """
    Let pass what every store downstream can hold.

    Raises:
        Malformed: the payload holds something on the list above; the message says what and where.

    """
    deep = value.count(b"{") + value.count(b"[") > MAX_DEPTH
    if not (deep or b"\\u0000" in value or _LONG_NUMBER.search(value)):
        return
    try:
        decoded = _decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"expected JSON, but {error}") from error
    check_values(decoded)


def check_values(root: object) -> None:
    """The same for a decoded value. Walks without recursion, so that no depth can hurt it."""
    stack: list[tuple[object, str, int]] = [(root, "$", 0)]
    while stack:
        value, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise Malformed(f"expected nesting of at most {MAX_DEPTH}, but {path[:80]}... is deeper")
        match value:
            case str():
                _check_text(value, path)
            case bool() | None:
                pass
            case int():
                if abs(value) > MAX_INTEGER:
                    raise Malformed(f"expected integers within 2^53, but {path} is {value}: send it as a string")
            case float():
                if not math.isfinite(value):
                    raise Malformed(f"expected finite numbers, but {path} is {value}")
            case dict():
                for key, item in value.items():
                    _check_text(str(key), path)
                    stack.append((item, f"{path}.{key}", depth + 1))
            case list() | tuple():
                stack.extend((item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value))
            case _:
                raise Malformed(f"expected a JSON value at {path}, but got {type(value).__name__}")


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise Malformed(f"expected text without NUL, but {path} has one")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise Malformed(f"expected Unicode text, but {path} has a lone surrogate")
