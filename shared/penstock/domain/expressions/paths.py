"""The steps of a path: ``a.b['c'][0].get('d')?``, in a loop however many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from penstock.domain.expressions.cursor import Cursor
from penstock.domain.expressions.foreign import method_advice
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.tree import Get, Index, Key, Length, Literal, Node, Path, Step

Inner: TypeAlias = Callable[[Cursor], Node]

_OPENS_A_STEP: Final = frozenset({".", "?.", "["})
_OPENS_A_VALUE: Final = frozenset({"name", "number", "string", "literal", "(", "[", "{", "!", "not", "-"})


def follow(cursor: Cursor, root: str | Node, start: int, inner: Inner) -> Node:
    """The path from ``root`` along the steps at the cursor, or ``root`` itself where there are none."""
    root_end = cursor.end
    steps: list[Step] = []
    while cursor.token.kind in _OPENS_A_STEP:
        if isinstance(root, Literal) and not isinstance(root.value, str):
            raise cursor.refusal(f"expected no `{cursor.token.text}` after a number, boolean or null", found=False)
        steps.append(_step(cursor, inner))
    optional = _closes_with_a_mark(cursor) and (isinstance(root, str) or bool(steps))
    if optional:
        cursor.next()
    if isinstance(root, str) or steps:
        return Path(root, tuple(steps), optional, start, root_end, cursor.end)
    return root


def _closes_with_a_mark(cursor: Cursor) -> bool:
    """Whether the ``?`` at the cursor ends a path. One that a value follows belongs to ``c ? a : b``."""
    if cursor.token.kind != "?":
        return False
    following = cursor.peek()
    if following.kind == "not":
        return cursor.peek(2).kind == "in"
    return following.kind not in _OPENS_A_VALUE


def _step(cursor: Cursor, inner: Inner) -> Step:
    opening = cursor.next()
    optional = opening.kind == "?."
    if opening.kind == "[" or (optional and cursor.take("[")):
        place = inner(cursor)
        cursor.expect("]", "after the key or place")
        if isinstance(place, Literal) and isinstance(place.value, str):
            return Key(place.value, optional, cursor.end)
        return Index(place, optional, cursor.end)
    if not cursor.token.is_word:
        raise cursor.refusal(f"expected a key after `{opening.text}`")
    name = cursor.next()
    if cursor.token.kind == "(":
        return _method(cursor, name.text, name.start, optional, inner)
    return Length(optional, cursor.end) if name.text == "length" else Key(name.text, optional, cursor.end)


def _method(cursor: Cursor, name: str, start: int, optional: bool, inner: Inner) -> Get:
    if name != "get":
        raise cursor.refusal(
            f"expected `.get(…)`, the only method, but found `.{name}(`",
            advice=method_advice(name, tuple(FUNCTIONS)),
            found=False,
            at=start,
        )
    cursor.next()
    arguments = cursor.until(")", lambda: inner(cursor))
    if len(arguments) not in (1, 2):
        raise cursor.refusal(
            f"expected `.get(key)` or `.get(key, fallback)`, but got {len(arguments)} arguments",
            found=False,
            at=start,
        )
    return Get(arguments[0], arguments[1] if len(arguments) == 2 else None, optional, cursor.end)
