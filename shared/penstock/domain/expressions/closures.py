"""Tree of an expression to a closure: the last of its three passes. What can be known beforehand is not asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NoReturn, assert_never

from penstock.domain.expressions.demands import Misfit
from penstock.domain.expressions.failures import EvaluationFailed, shorten
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.limits import LIST_LENGTH
from penstock.domain.expressions.operators import ARITHMETIC, RELATIONS, Unfit, negate
from penstock.domain.expressions.routes import Names, Run, route
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
    Path,
)
from penstock.domain.expressions.values import kind_of

_ORDINALS: Final = ("first", "second", "third")


def build(node: Node, source: str) -> Run:  # noqa: C901 - one case per kind of node
    """The closure that gives the value of ``node``. It keeps nothing between two evaluations."""

    def inner(part: Node) -> Run:
        return build(part, source)

    match node:
        case Literal(value=value):
            return lambda _: value
        case Path():
            return route(node, source, inner)
        case Compare():
            return _comparison(node, source)
        case Logic(operator=operator, operands=operands):
            return _logic(operator, tuple(map(inner, operands)))
        case Not(operand=operand):
            return _not(inner(operand))
        case Negate(operand=Literal(value=int() | float() as value)) if type(value) is not bool:
            opposite = -value
            return lambda _: opposite
        case Negate(operand=operand):
            return _negate(inner(operand), _text(operand, source))
        case Chain():
            return _chain(node, source)
        case Choice(cases=cases, otherwise=otherwise):
            return _choice([(inner(condition), inner(chosen)) for condition, chosen in cases], inner(otherwise))
        case ListOf(items=items):
            return _list([inner(item) for item in items])
        case ObjectOf(pairs=pairs):
            parts = [(key, inner(value)) for key, value in pairs]
            return lambda names: {key: part(names) for key, part in parts}
        case Call():
            return _call(node, source)
        case _:
            assert_never(node)


def _text(node: Node, source: str) -> str:
    return shorten(source[node.start : node.end])


def _comparison(node: Compare, source: str) -> Run:
    left = build(node.left, source)
    fixed = node.right.value if isinstance(node.right, Literal) else 0
    if node.operator in ("==", "!=") and (fixed is None or type(fixed) is str):
        return _same(left, fixed) if node.operator == "==" else _different(left, fixed)
    right = build(node.right, source)
    relation = RELATIONS[node.operator]

    def run(names: Names) -> bool:
        one, other = left(names), right(names)
        try:
            return relation(one, other)
        except Unfit as unfit:
            refuse(unfit, one, other)

    def refuse(unfit: Unfit, one: Any, other: Any) -> NoReturn:
        raise EvaluationFailed(
            "TYPE_MISMATCH",
            f"expected {unfit.expected} for `{node.operator}`, but `{_text(node.left, source)}` is {kind_of(one)}"
            f" and `{_text(node.right, source)}` is {kind_of(other)}",
        ) from None

    return run


def _same(left: Run, fixed: object) -> Run:
    """Equality with a string or null, of which every other kind of value is different for Python too."""
    return lambda names: left(names) == fixed


def _different(left: Run, fixed: object) -> Run:
    return lambda names: left(names) != fixed


def _not(operand: Run) -> Run:
    return lambda names: not operand(names)


def _negate(operand: Run, text: str) -> Run:
    def run(names: Names) -> object:
        value = operand(names)
        try:
            return negate(value)
        except Unfit as unfit:
            message = f"expected {unfit.expected} behind `-`, but `{text}` is {kind_of(value)}"
            raise EvaluationFailed("TYPE_MISMATCH", message) from None

    return run


def _logic(operator: str, operands: tuple[Run, ...]) -> Run:
    if len(operands) == 2:
        left, right = operands
        if operator == "&&":
            return lambda names: left(names) and right(names)
        return lambda names: left(names) or right(names)
    *early, last = operands
    deciding = operator == "||"

    def run(names: Names) -> object:
        for operand in early:
            value = operand(names)
            if bool(value) is deciding:
                return value
        return last(names)

    return run


def _chain(node: Chain, source: str) -> Run:
    first = build(node.first, source)
    rest = [(operator, ARITHMETIC[operator], build(operand, source), operand) for operator, operand in node.rest]

    def run(names: Names) -> object:
        value = first(names)
        before: Node = node.first
        for operator, calculate, operand, part in rest:
            other = operand(names)
            try:
                value = calculate(value, other)
            except Unfit as unfit:
                left = shorten(source[node.start : before.end])
                raise EvaluationFailed(
                    "TYPE_MISMATCH",
                    f"expected {unfit.expected} for `{operator}`, but `{left}` is {kind_of(value)}"
                    f" and `{_text(part, source)}` is {kind_of(other)}",
                ) from None
            except EvaluationFailed as failure:
                where = shorten(source[node.start : part.end])
                raise EvaluationFailed(failure.code, f"{failure.message}: `{where}`") from None
            before = part
        return value

    return run


def _choice(cases: list[tuple[Run, Run]], otherwise: Run) -> Run:
    def run(names: Names) -> object:
        for condition, chosen in cases:
            if condition(names):
                return chosen(names)
        return otherwise(names)

    return run


def _list(items: list[Run]) -> Run:
    assert len(items) <= LIST_LENGTH, "expected a list that the bound on the source keeps short"
    return lambda names: [item(names) for item in items]


def _call(node: Call, source: str) -> Run:
    function = FUNCTIONS[node.function]
    arguments = [_argument(part, source, lenient=at < function.lenient) for at, part in enumerate(node.arguments)]
    call: Callable[..., object] = function.call

    def run(names: Names) -> object:
        values = [argument(names) for argument in arguments]
        try:
            return call(*values)
        except Misfit as misfit:
            refuse(misfit, values)
        except EvaluationFailed as failure:
            raise EvaluationFailed(failure.code, f"{failure.message}: `{_text(node, source)}`") from None

    def refuse(misfit: Misfit, values: list[object]) -> NoReturn:
        at = misfit.position
        raise EvaluationFailed(
            "TYPE_MISMATCH",
            f"expected {misfit.expected} as the {_ORDINALS[at]} value of `{node.function}`,"
            f" but `{_text(node.arguments[at], source)}` is {misfit.given or kind_of(values[at])}",
        ) from None

    return run


def _argument(node: Node, source: str, *, lenient: bool) -> Run:
    return build(replace(node, optional=True) if lenient and isinstance(node, Path) else node, source)
