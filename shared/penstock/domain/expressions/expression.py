"""A condition or value as people write it: compiled once, evaluated often, and unable to reach anything of the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from penstock.domain.expressions.closures import build
from penstock.domain.expressions.failures import EvaluationFailed, ExpressionInvalid, FailureCode
from penstock.domain.expressions.functions import FUNCTIONS
from penstock.domain.expressions.parser import parse
from penstock.domain.expressions.routes import MISSING, Run, label, route
from penstock.domain.expressions.tree import Call, Get, Index, Node, Path, walk

__all__ = ["EvaluationFailed", "Expression", "ExpressionInvalid", "FailureCode", "compile_expression"]


@dataclass(frozen=True, slots=True)
class Expression:
    """
    Compiled text. ``names`` are the names that it reads, ``optional_names`` those it can do without.

    Evaluation keeps nothing and changes nothing, so that one expression may serve everybody at once. What it gives
    can be a part of what it was given, not a copy.
    """

    source: str
    names: frozenset[str] = field(compare=False)
    optional_names: frozenset[str] = field(compare=False)
    allows_null: bool = field(compare=False)
    _run: Run = field(compare=False, repr=False)
    _watched: tuple[tuple[str, Run], ...] = field(compare=False, repr=False)

    def evaluate(self, names: Mapping[str, object]) -> Any:
        """
        The value for these ``names``.

        Raises:
            EvaluationFailed: there is none; the code and the message say why.

        """
        return self._run(names)

    def test(self, names: Mapping[str, object]) -> bool:
        """
        Whether the value counts as true: null, false, 0, "", [] and {} do not.

        Raises:
            EvaluationFailed: there is no value.

        """
        return bool(self._run(names))

    def seen(self, names: Mapping[str, object]) -> dict[str, Any]:
        """What stands at each path that the text mentions, by the path; what is missing is left out."""
        values: dict[str, Any] = {}
        for path, find in self._watched:
            try:
                value = find(names)
            except EvaluationFailed:
                continue
            if value is not MISSING:
                values[path] = value
        return values


def compile_expression(source: str) -> Expression:
    """
    The expression that ``source`` says; equal texts give the same one.

    Raises:
        ExpressionInvalid: it says none; the message and its suggestion are for the author.

    """
    if not isinstance(source, str):
        shown = f"{source}".lower() if isinstance(source, bool) else f"{source}"
        raise ExpressionInvalid(
            f"expected an expression as text, but got {type(source).__name__}",
            shown,
            1,
            f"write it in quotes: '{shown}'",
        )
    return _compile(source)


@lru_cache(maxsize=4096)
def _compile(source: str) -> Expression:
    tree = parse(source)
    paths = [node for node in walk(tree) if isinstance(node, Path) and isinstance(node.root, str)]
    names = frozenset(str(path.root) for path in paths)
    lenient = _lenient_paths(tree)
    needed = {str(path.root) for path in paths if path not in lenient and not _does_without(path)}
    return Expression(
        source=source,
        names=names,
        optional_names=names - needed,
        allows_null=_allows_null(tree),
        _run=build(tree, source),
        _watched=tuple({label(path, source): _finder(path, source) for path in paths}.items()),
    )


def _lenient_paths(tree: Node) -> set[Path]:
    calls = (node for node in walk(tree) if isinstance(node, Call))
    lenient = (part for call in calls for part in call.arguments[: FUNCTIONS[call.function].lenient])
    return {part for part in lenient if isinstance(part, Path)}


def _does_without(path: Path) -> bool:
    return path.optional or bool(path.steps and path.steps[0].optional)


def _allows_null(tree: Node) -> bool:
    """Whether the author reckons with null: a path that ends in ``?`` or goes through ``?.`` or ``.get``."""
    return isinstance(tree, Path) and (
        tree.optional or any(step.optional or isinstance(step, Get) for step in tree.steps)
    )


def _finder(path: Path, source: str) -> Run:
    """Finds what stands at ``path``, or MISSING, whatever the path itself says about that."""
    steps = tuple(Index(step.place, step.optional, step.end) if isinstance(step, Get) else step for step in path.steps)
    plain: Path = replace(path, steps=steps, optional=True)
    return route(plain, source, lambda node: build(node, source), MISSING)
