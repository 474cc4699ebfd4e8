"""
Text of an expression to its tree: the second of its three passes, a Pratt parser.

Nesting is counted and bounded; chains of operators, paths and choices are loops, so that no text makes it recurse deep.
"""

from __future__ import annotations

from typing import Final

from penstock.domain.expressions.cursor import Cursor
from penstock.domain.expressions.failures import shorten
from penstock.domain.expressions.foreign import FOREIGN_LITERALS, function_advice
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.paths import follow
from penstock.domain.expressions.tree import (
    Call,
    Chain,
    Choice,
    Compare,
    ListOf,
    Literal,
    Logic,
    Negate,
    Node,
    Not,
    ObjectOf,
)

_CHOICE: Final = 1
_NOT: Final = 4
_COMPARISON: Final = 5
_SIGN: Final = 8
_BINDING: Final = {
    "?": _CHOICE, "||": 2, "&&": 3, "in": _COMPARISON, "not": _COMPARISON,
    "==": _COMPARISON, "!=": _COMPARISON, "<": _COMPARISON, "<=": _COMPARISON, ">": _COMPARISON, ">=": _COMPARISON,
    "+": 6, "-": 6, "*": 7, "/": 7, "%": 7,
}  # fmt: skip


def parse(source: str) -> Node:
    """
    The tree of ``source``.

    Raises:
        ExpressionInvalid: it is no expression, or exceeds a bound; says where, and what to write instead.

    """
    cursor = Cursor(source)
    node = _expression(cursor, _CHOICE)
    cursor.expect_end()
    return node


def _expression(cursor: Cursor, least: int) -> Node:
    """As much as binds at least as strongly as ``least``."""
    start = cursor.token.start
    node = _operand(cursor, least)
    while True:
        binding = _BINDING.get(cursor.token.kind, 0)
        if binding < least or (cursor.token.kind == "not" and cursor.peek().kind != "in"):
            return node
        if binding == _CHOICE:
            node = _choice(cursor, node, start)
        elif binding == _COMPARISON:
            node = _comparison(cursor, node, start)
        else:
            node = _joined(cursor, node, binding, start)


def _inner(cursor: Cursor) -> Node:
    with cursor.nested():
        return _expression(cursor, _CHOICE)


def _joined(cursor: Cursor, first: Node, binding: int, start: int) -> Node:
    """All operands of one strength: ``a AND b AND c``, ``a + b - c``."""
    rest: list[tuple[str, Node]] = []
    while _BINDING.get(cursor.token.kind) == binding:
        operator = cursor.next().kind
        rest.append((operator, _expression(cursor, binding + 1)))
    if rest[0][0] in ("&&", "||"):
        return Logic(rest[0][0], (first, *(operand for _, operand in rest)), start, cursor.end)
    return Chain(first, tuple(rest), start, cursor.end)


def _comparison(cursor: Cursor, left: Node, start: int) -> Node:
    operator = cursor.next().kind
    if operator == "not":
        cursor.next()
        operator = "not in"
    right = _expression(cursor, _COMPARISON + 1)
    if _BINDING.get(cursor.token.kind) == _COMPARISON and (cursor.token.kind != "not" or cursor.peek().kind == "in"):
        raise cursor.refusal(
            "expected one comparison, but found a second one after it",
            advice="join two with AND, as in `1 < x AND x < 10`, or use parentheses",
            found=False,
        )
    return Compare(operator, left, right, start, cursor.end)


def _choice(cursor: Cursor, condition: Node, start: int) -> Node:
    cases: list[tuple[Node, Node]] = []
    while cursor.take("?"):
        with cursor.nested():
            chosen = _expression(cursor, _CHOICE)
        if cursor.token.kind != ":":
            raise cursor.refusal(
                "expected `:` and the other value of `condition ? a : b`",
                advice="where `?` marks what may be missing, put parentheses around it, or write `?.`",
            )
        cursor.next()
        cases.append((condition, chosen))
        condition = _expression(cursor, _CHOICE + 1)
    return Choice(tuple(cases), condition, start, cursor.end)


def _operand(cursor: Cursor, least: int) -> Node:
    token = cursor.token
    match token.kind:
        case "not" if least > _NOT:
            raise cursor.refusal("expected a value, but NOT binds less than the operator before it", found=False,
                        advice="put `NOT …` in parentheses, or write `!`")  # fmt: skip
        case "not" | "!" | "-":
            cursor.next()
            with cursor.nested():
                operand = _expression(cursor, _NOT if token.kind == "not" else _SIGN)
            node = Negate if token.kind == "-" else Not
            return node(operand, token.start, cursor.end)
        case "name":
            cursor.next()
            if cursor.token.kind == "(":
                return follow(cursor, _call(cursor, token.text, token.start), token.start, _inner)
            if token.text in FOREIGN_LITERALS:
                raise cursor.refusal(
                    f"expected a name, but `{token.text}` is none",
                    advice=f"write `{FOREIGN_LITERALS[token.text]}`",
                    found=False,
                    at=token.start,
                )
            return follow(cursor, token.text, token.start, _inner)
        case _:
            return follow(cursor, _primary(cursor), token.start, _inner)


def _primary(cursor: Cursor) -> Node:
    token = cursor.token
    match token.kind:
        case "number" | "string" | "literal":
            cursor.next()
            return Literal(token.value, token.start, token.end)
        case "(":
            cursor.next()
            node = _inner(cursor)
            cursor.expect(")", "to close the parentheses")
            return node
        case "[":
            cursor.next()
            with cursor.nested():
                items = cursor.until("]", lambda: _expression(cursor, _CHOICE))
            return ListOf(items, token.start, cursor.end)
        case "{":
            return _object(cursor)
        case _:
            raise cursor.refusal("expected a value")


def _object(cursor: Cursor) -> Node:
    start = cursor.next().start
    keys: set[str] = set()

    def pair() -> tuple[str, Node]:
        token = cursor.token
        if token.kind != "string" and not token.is_word:
            raise cursor.refusal("expected a key of the object")
        key = str(token.value) if token.kind == "string" else token.text
        if key in keys:
            raise cursor.refusal(f"expected each key once, but `{shorten(key)}` comes again", found=False)
        keys.add(key)
        cursor.next()
        cursor.expect(":", "after the key")
        return key, _expression(cursor, _CHOICE)

    with cursor.nested():
        pairs = cursor.until("}", pair)
    return ObjectOf(pairs, start, cursor.end)


def _call(cursor: Cursor, name: str, start: int) -> Node:
    function = FUNCTIONS.get(name)
    if function is None:
        raise cursor.refusal(
            f"expected a function that is known, but found `{shorten(name)}`",
            advice=function_advice(name, tuple(FUNCTIONS)),
            found=False,
            at=start,
        )
    cursor.next()
    with cursor.nested():
        arguments = cursor.until(")", lambda: _expression(cursor, _CHOICE))
    if not function.least <= len(arguments) <= function.most:
        raise cursor.refusal(
            f"expected `{function.usage}`, but got {len(arguments)} argument{'s' * (len(arguments) != 1)}",
            found=False,
            at=start,
        )
    return Call(name, arguments, start, cursor.end)
