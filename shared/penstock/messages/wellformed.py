"""
What no payload may hold, because somebody downstream could not store or compare it (decisions 5).

Refused are NUL, lone surrogates, numbers that are not finite, integers beyond 2^53 and nesting beyond 64. The decoder
itself refuses bad UTF-8, lone surrogates and ``NaN``; the rest is looked for in the bytes first, because almost no
payload is suspicious, and in the values only where the bytes are.
"""

from __future__ import annotations

import re

import msgspec

from penstock.domain import storable
from penstock.domain.storable import MAX_DEPTH, NotStorable

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


def check_values(value: object) -> None:
    """
    The same for a decoded value.

    Raises:
        Malformed: it holds what no store can.

    """
    try:
        storable.check_values(value)
    except NotStorable as error:
        raise Malformed(str(error)) from error
