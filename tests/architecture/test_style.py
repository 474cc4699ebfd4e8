"""Sizes, purity, and the few constructs that have one place (house style §2, §7, §9)."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import Source, product, suite

MODULE_LINES, TEST_LINES, FUNCTION_LINES = 400, 600, 40
PURE = ("penstock.domain", "penstock.catalog", "penstock.projections")
IMPURE_CALLS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "uuid1", "uuid4", "urandom"}
IMPURE_MODULES = {"random", "secrets", "socket", "os", "time", "logging", "structlog", "asyncio", "pathlib"}
VAGUE = {"utils", "helpers", "common", "base", "misc", "util", "helper"}


def functions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_modules_fit_in_the_head() -> None:
    long = [f"{s.name}: {n}" for s in product() if (n := s.text.count("\n")) > MODULE_LINES]
    long += [f"{s.name}: {n}" for s in suite() if (n := s.text.count("\n")) > TEST_LINES]
    assert not long


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{source.name}:{node.lineno} {node.name}: {length}"
        for source in product()
        for node in functions(source)
        if (length := (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)) > FUNCTION_LINES
    ]
    assert not long


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """What a function says of itself is not what it does."""
    first = node.body[0]
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return (first.end_lineno or 0) - first.lineno + 1 if is_text else 0


def test_every_module_says_what_it_is_for() -> None:
    silent = [s.name for s in product() if s.text.strip() and not ast.get_docstring(s.tree)]
    assert not silent


def test_names_of_modules_say_something() -> None:
    assert not [s.name for s in product() if s.path.stem in VAGUE]


def test_errors_are_caught_by_name() -> None:
    broad = [
        f"{source.name}:{node.lineno}"
        for source in product()
        if source.module != "penstock.runtime.supervise"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and not cleans_up_and_passes_on(node)
    ]
    assert not broad


def cleans_up_and_passes_on(handler: ast.ExceptHandler) -> bool:
    """``except BaseException: ...; raise`` hides nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("source", [s for s in product() if s.module.startswith(PURE[:2])], ids=lambda s: s.module)
def test_the_domain_knows_neither_clock_nor_chance_nor_world(source: Source) -> None:
    modules = {name.split(".")[0] for _, name in source.imports()} & IMPURE_MODULES
    calls = {
        node.func.attr
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_CALLS
    }
    assert not modules
    assert not calls


def test_the_verbs_are_total() -> None:
    verbs = [s for s in product() if s.path.stem in {"decide", "evolve", "react"} and "penstock.domain" in s.module]
    assert verbs
    assert not [s.name for s in verbs if "assert_never" not in s.text]
