"""Text to a source: YAML or JSON as people write it, with the place of every part, so that findings can point to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.domain.definition.document import Item, List, Node, Scalar, Table
from penstock.domain.definition.findings import DefinitionInvalid, Finding, Path, Place, path_text
from penstock.domain.definition.limits import MAX_NODES, MAX_SOURCE
from penstock.domain.definition.read_json import parse_json
from penstock.domain.definition.read_yaml import parse_yaml
from penstock.domain.definition.unreadable import Unreadable


@dataclass(slots=True)
class Positions:
    """Where each part of a source stands: its key (or its dash), and its value."""

    _keys: dict[Path, Place] = field(default_factory=dict)
    _values: dict[Path, Place] = field(default_factory=dict)

    def key(self, path: Path) -> Place | None:
        return self._keys.get(path)

    def value(self, path: Path) -> Place | None:
        return self._values.get(path)

    def put(self, path: Path, key: Place | None, value: Place) -> None:
        self._values[path] = value
        if key is not None:
            self._keys[path] = key


@dataclass(frozen=True, slots=True)
class Source:
    """The canonical form as it stands in a text."""

    value: dict[str, Any]
    positions: Positions
    name: str = ""


_EMPTY: Final = "write `id`, `version` and `steps`"


def read_definition(text: str, name: str = "") -> Source:
    """
    What ``text`` says; ``name`` (of its file) decides between YAML and JSON where it ends so.

    Raises:
        DefinitionInvalid: it is no YAML or JSON of ours: syntax, a repeated key, a tag, too large, no mapping.

    """
    try:
        return _read(text, name)
    except Unreadable as error:
        finding = Finding(
            level="schema",
            severity="error",
            code=error.code,
            message=error.message,
            path=path_text(error.path),
            line=error.line,
            column=error.column,
            suggestion=error.suggestion,
        )
        raise DefinitionInvalid((finding,)) from error


def _read(text: str, name: str) -> Source:
    if len(text) > MAX_SOURCE or len(text.encode("utf-8", "surrogatepass")) > MAX_SOURCE:
        raise Unreadable("TOO_LARGE", f"expected at most {MAX_SOURCE:,} bytes", 1, 1)
    text = text.removeprefix("\ufeff")
    root = _parse(text, name)
    if not isinstance(root, Table):
        message = "expected a mapping" if root is not None else "expected a definition, but the text is empty"
        raise Unreadable("WRONG_TYPE", message, 1, 1, _EMPTY)
    positions = Positions()
    value = _construct(root, positions)
    assert isinstance(value, dict)
    return Source(value, positions, name)


def _parse(text: str, name: str) -> Node | None:
    """JSON is read as JSON, because YAML has other ideas about tabs and escapes."""
    if name.lower().endswith(".json"):
        return parse_json(text)
    if name.lower().endswith((".yaml", ".yml")) or not text.lstrip().startswith("{"):
        return parse_yaml(text)
    try:
        return parse_json(text)
    except Unreadable as error:
        if error.code != "BAD_SYNTAX":
            raise
        return parse_yaml(text)


def _construct(root: Node, positions: Positions) -> Any:
    """The value of ``root``. What an alias stands for is made anew, and counts again."""
    top: list[Any] = [None]
    pending: list[tuple[Item, Any, str | int, Path]] = [(Item(None, root), top, 0, ())]
    made = 0
    while pending:
        item, holder, slot, path = pending.pop()
        made += 1
        if made > MAX_NODES:
            raise Unreadable("TOO_LARGE", f"expected at most {MAX_NODES:,} values", *item.node.place[:2])
        node = item.node
        positions.put(path, item.key, node.place)
        if isinstance(node, Scalar):
            holder[slot] = node.value
            continue
        # made in the order of the text: keys keep it, although the work goes on from the end
        made_here: Any = {} if isinstance(node, Table) else [None] * len(node.items)
        holder[slot] = made_here
        inner = list(_inner(node))
        if isinstance(node, Table):
            made_here.update(dict.fromkeys(name for name, _ in inner))
        pending.extend((part, made_here, name, (*path, name)) for name, part in reversed(inner))
    return top[0]


def _inner(node: Table | List) -> Iterator[tuple[str | int, Item]]:
    yield from node.items.items() if isinstance(node, Table) else enumerate(node.items)
