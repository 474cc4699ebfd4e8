"""
What no payload may hold, because somebody downstream could not store or compare it (decisions 5).

Refused are NUL, lone surrogates, numbers that are not finite, integers beyond 2^53 and nesting beyond 64. The decoder
itself refuses bad UTF-8, lone surrogates and ``NaN``; the rest is looked for in the bytes first, because almost no
payload is suspicious, and in the values only where the bytes are.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from penstock.domain import storable
from penstock.domain.storable import MAX_DEPTH, NotStorable

_CLASSES: Final = bytes.maketrans(b"123456789.E \t\r\n,[", b"0000000000e::::::")
_PLUS: Final = b"+"
_LONG_NUMBER: Final = re.compile(rb":-?0(?:0{15}|0*e00)")
"""
Sixteen digits or an exponent of two, in bytes translated by ``_CLASSES``: digits are 0, what precedes a value is ``:``.
A pattern that begins with one byte, not with a class of them, is searched for four times as fast.
"""
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
    nul = b"\\" in value and b"\\u0000" in value  # a single byte is found faster
    if not (deep or nul or _LONG_NUMBER.search(value.translate(_CLASSES, _PLUS))):
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
