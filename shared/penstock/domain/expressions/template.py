"""JSON values with ``{{ expression }}`` in their strings, compiled once and rendered often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from penstock.domain.expressions.expression import EvaluationFailed, Expression, ExpressionInvalid, compile_expression
from penstock.domain.expressions.failures import shorten
from penstock.domain.expressions.limits import TEMPLATE_NESTING, TEXT_LENGTH, text_too_large
from penstock.domain.expressions.values import text_of

__all__ = ["EvaluationFailed", "ExpressionInvalid", "Template", "compile_template"]

_Render: TypeAlias = Callable[[Mapping[str, object]], Any]
_OPENING: Final = "{{"
_CLOSING: Final = "}}"


@dataclass(frozen=True, slots=True)
class Template:
    """
    A compiled value. ``names`` are the names that it reads, ``optional_names`` those it can do without.

    Rendering changes neither the template nor the names; parts of both may stand in what comes out.
    """

    source: object
    names: frozenset[str] = field(compare=False)
    optional_names: frozenset[str] = field(compare=False)
    is_constant: bool = field(compare=False)
    _render: _Render = field(compare=False, repr=False)

    def render(self, names: Mapping[str, object]) -> Any:
        """
        The value with every ``{{ expression }}`` replaced.

        Raises:
            EvaluationFailed: one of them has no value; the message says where it stands.

        """
        return self._render(names)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the value: how to render it, or None if it says itself."""

    render: _Render | None
    expressions: tuple[Expression, ...]


def compile_template(value: object) -> Template:
    """
    The template that ``value`` is: any JSON value, with expressions in its strings at any depth.

    A string that is exactly one ``{{ expression }}`` gives its value, of whatever type; any other becomes a string.

    Raises:
        ExpressionInvalid: one of the strings is no template; the message says where it stands.

    """
    part = _compile(value, "", 0)
    names = frozenset[str]().union(*(expression.names for expression in part.expressions))
    needed = frozenset[str]().union(*(expression.names - expression.optional_names for expression in part.expressions))
    return Template(value, names, names - needed, part.render is None, part.render or (lambda _: value))


def _compile(value: object, place: str, depth: int) -> _Part:
    if type(value) is str:
        return _compile_string(value, place) if _OPENING in value else _Part(None, ())
    if type(value) not in (list, dict):
        return _Part(None, ())
    if depth == TEMPLATE_NESTING:
        raise ExpressionInvalid(
            f"expected at most {TEMPLATE_NESTING} levels of lists and objects, but there are more", shorten(place), 1
        )
    if type(value) is list:
        parts = [_compile(item, f"{place}[{at}]", depth + 1) for at, item in enumerate(value)]
        renders = _renders(parts, value)
        render: _Render = lambda names: [part(names) for part in renders]  # noqa: E731
    else:
        assert isinstance(value, dict)
        parts = [_compile_pair(key, item, place, depth) for key, item in value.items()]
        pairs = list(zip(value, _renders(parts, list(value.values())), strict=True))
        render = lambda names: {key: part(names) for key, part in pairs}  # noqa: E731
    expressions = tuple(expression for part in parts for expression in part.expressions)
    return _Part(render if expressions else None, expressions)


def _compile_pair(key: object, item: object, place: str, depth: int) -> _Part:
    if type(key) is str and _OPENING in key:
        raise ExpressionInvalid(
            "expected a key without `{{`, but keys are no templates",
            key,
            key.index(_OPENING) + 1,
            "use a list of pairs",
        )
    return _compile(item, f"{place}.{key}" if place else str(key), depth + 1)


def _renders(parts: list[_Part], values: list[object]) -> list[_Render]:
    return [part.render or _constant(value) for part, value in zip(parts, values, strict=True)]


def _constant(value: object) -> _Render:
    return lambda _: value


def _compile_string(text: str, place: str) -> _Part:
    try:
        pieces = _pieces(text)
    except ExpressionInvalid as invalid:
        if not place:
            raise
        message = f"in `{shorten(place)}`: {invalid.message}"
        raise ExpressionInvalid(message, invalid.source, invalid.column, invalid.suggestion) from None
    expressions = tuple(piece for piece in pieces if isinstance(piece, Expression))
    if len(pieces) == 1:
        return _Part(_placed(expressions[0].evaluate, place), expressions)
    return _Part(_placed(_interpolation(pieces), place), expressions)


def _placed(render: _Render, place: str) -> _Render:
    if not place:
        return render

    def run(names: Mapping[str, object]) -> Any:
        try:
            return render(names)
        except EvaluationFailed as failure:
            raise EvaluationFailed(failure.code, f"in `{shorten(place)}`: {failure.message}") from None

    return run


def _interpolation(pieces: tuple[str | Expression, ...]) -> _Render:
    def run(names: Mapping[str, object]) -> str:
        texts: list[str] = []
        size = 0
        for piece in pieces:
            texts.append(piece if isinstance(piece, str) else _written(piece, names))
            size += len(texts[-1])
            if size > TEXT_LENGTH:
                raise text_too_large()
        return "".join(texts)

    return run


def _written(expression: Expression, names: Mapping[str, object]) -> str:
    value = expression.evaluate(names)
    if value is not None:
        return text_of(value)
    if expression.allows_null:
        return ""
    shown = shorten(expression.source.strip())
    advice = "write `?` at the end of the path for an empty text, or `default(value, fallback)`"
    raise EvaluationFailed("TYPE_MISMATCH", f"expected a value to put in the text, but `{shown}` is null; {advice}")


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[str | Expression, ...]:
    """The literal texts and the expressions of ``text``, in order; no literal text is empty."""
    pieces: list[str | Expression] = []
    at = 0
    while (opening := text.find(_OPENING, at)) >= 0:
        if opening > at:
            pieces.append(text[at:opening])
        closing = _closing(text, opening + 2)
        pieces.append(_expression(text, opening + 2, closing))
        at = closing + 2
    if at < len(text):
        pieces.append(text[at:])
    return tuple(pieces)


def _expression(text: str, start: int, end: int) -> Expression:
    try:
        return compile_expression(text[start:end])
    except ExpressionInvalid as invalid:
        column = start + invalid.column
        raise ExpressionInvalid(invalid.message, text, column, invalid.suggestion) from None


def _closing(text: str, start: int) -> int:
    """Where the ``}}`` stands that ends the expression: not one in a string, nor one that closes its objects."""
    quote = ""
    depth = 0
    at = start
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif text.startswith(_CLOSING, at):
            return at
        at += 1
    open_quote = f"; a quote {quote} in it is not closed either" if quote else ""
    raise ExpressionInvalid(
        f"expected `}}}}` to end the expression, but the text ends{open_quote}",
        text,
        start - 1,
        "to have `{{` in the text, write {{ '{{' }}",
    )
