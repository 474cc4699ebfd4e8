"""The product's sources, parsed: what the architecture tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[2]
ROOTS = ("shared", "services", "projections")


@dataclass(frozen=True)
class Source:
    path: Path
    module: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return str(self.path.relative_to(TOP))

    def imports(self) -> Iterator[tuple[int, str]]:
        """(line, dotted name) of everything imported; ``from a import b`` gives ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def product() -> tuple[Source, ...]:
    paths = sorted(path for root in ROOTS for path in (TOP / root).rglob("*.py"))
    return tuple(_source(path, _module(path)) for path in paths)


@cache
def suite() -> tuple[Source, ...]:
    return tuple(_source(path, path.stem) for path in sorted((TOP / "tests").rglob("*.py")))


def _source(path: Path, module: str) -> Source:
    text = path.read_text()
    return Source(path, module, text, ast.parse(text))


def _module(path: Path) -> str:
    relative = path.relative_to(TOP)
    return ".".join(relative.with_suffix("").parts[1:])
