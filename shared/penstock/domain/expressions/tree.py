"""What the parser makes of an expression: a tree of values, each with the place in the text that it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    value: object
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Key:
    """``.name`` or ``['name']``."""

    name: str
    optional: bool
    end: int


@dataclass(frozen=True, slots=True)
class Index:
    """``[…]`` with anything but a literal string."""

    place: Node
    optional: bool
    end: int


@dataclass(frozen=True, slots=True)
class Get:
    """``.get(place)`` or ``.get(place, fallback)``."""

    place: Node
    fallback: Node | None
    optional: bool
    end: int


@dataclass(frozen=True, slots=True)
class Length:
    """``.length``, which on an object is an ordinary key."""

    optional: bool
    end: int


Step: TypeAlias = Key | Index | Get | Length


@dataclass(frozen=True, slots=True)
class Path:
    """A name or a value, and the steps into it. ``optional``: whatever is missing on the way gives null."""

    root: str | Node
    steps: tuple[Step, ...]
    optional: bool
    start: int
    root_end: int
    end: int


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ObjectOf:
    pairs: tuple[tuple[str, Node], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Negate:
    operand: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """``a + b - c``, from left to right. Flat, so that a long chain is a loop and not a deep recursion."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Logic:
    """``a AND b AND c`` or ``a OR b OR c``, flat for the same reason."""

    operator: str
    operands: tuple[Node, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``c ? a : d ? b : e`` as its cases in order, flat again."""

    cases: tuple[tuple[Node, Node], ...]
    otherwise: Node
    start: int
    end: int


Node: TypeAlias = Literal | Path | ListOf | ObjectOf | Call | Not | Negate | Chain | Logic | Compare | Choice


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Literal():
            return ()
        case Path(root=root, steps=steps):
            inner = tuple(part for step in steps for part in _inside(step))
            return inner if isinstance(root, str) else (root, *inner)
        case ListOf(items=nodes) | Call(arguments=nodes) | Logic(operands=nodes):
            return nodes
        case ObjectOf(pairs=pairs):
            return tuple(value for _, value in pairs)
        case Not(operand=operand) | Negate(operand=operand):
            return (operand,)
        case Chain(first=first, rest=rest):
            return (first, *(operand for _, operand in rest))
        case Compare(left=left, right=right):
            return (left, right)
        case Choice(cases=cases, otherwise=otherwise):
            return (*(part for case in cases for part in case), otherwise)


def walk(node: Node) -> Iterator[Node]:
    """Every node of the tree, from left to right as they stand in the text."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def _inside(step: Step) -> tuple[Node, ...]:
    match step:
        case Index(place=place):
            return (place,)
        case Get(place=place, fallback=fallback):
            return (place,) if fallback is None else (place, fallback)
        case Key() | Length():
            return ()
