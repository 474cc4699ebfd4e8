"""
The part of YAML 1.2 that is JSON in other clothes, to a tree with places.

Built on the parser's events with a constructor of our own: no tags, no merge keys, one document, repeated keys refused.
Only ``true``, ``false``, ``null`` and numbers are anything but text: ``on``, ``no`` and dates stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

from penstock.domain.definition.document import Item, List, Node, Scalar, Table
from penstock.domain.definition.findings import Place
from penstock.domain.definition.limits import MAX_DEPTH
from penstock.domain.definition.unreadable import Unreadable

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: Final[dict[str, bool | None]] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_MAX_DIGITS: Final = 400
_MAX_ALIASES: Final = 1_000


def parse_yaml(text: str) -> Node | None:
    """
    The tree of ``text``; None where it is empty. What an alias stands for is the same node as its anchor's.

    Raises:
        Unreadable: it is no YAML, or more of YAML than this.

    """
    try:
        return _Builder(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "no YAML"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable("BAD_SYNTAX", f"expected YAML, but {message}", line, column, _hint(message)) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"expected printable characters, but got U+{_code_point(error.character):04X}"
        raise Unreadable("BAD_SYNTAX", message, line, column) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise Unreadable("BAD_SYNTAX", "expected YAML in valid Unicode", 1, 1) from error


@dataclass(slots=True)
class _Open:
    """A node that is being filled; ``key`` waits for its value."""

    node: Table | List
    anchor: str | None
    key: tuple[str, Place] | None = None


@dataclass(slots=True)
class _Builder:
    text: str
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    aliases: int = 0
    documents: int = 0

    def document(self) -> Node | None:
        loader = _LOADER(self.text)
        try:
            while loader.check_event():
                self._take(loader.get_event())
        finally:
            loader.dispose()
        return self.root

    def _take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _refused(event, "expected one document, but another begins", "put it into a file of its own")
            case ScalarEvent() | AliasEvent() if self._is_key():
                self._key(event)
            case AliasEvent():
                self._add(self._aliased(event), event)
            case ScalarEvent():
                _check_tag(event)
                node = Scalar(_value(event), _verbatim(event))
                self._anchor(event.anchor, node)
                self._add(node, event)
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.stack.pop()
                self._anchor(done.anchor, done.node)
            case _:
                pass

    def _is_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node, Table) and self.stack[-1].key is None

    def _key(self, event: Any) -> None:
        if isinstance(event, AliasEvent):
            raise _refused(event, "expected a key, but got an alias")
        _check_tag(event)
        top = self.stack[-1]
        assert isinstance(top.node, Table)
        if event.value == "<<" and event.implicit[0]:
            raise _refused(event, "expected a key, but got a merge key `<<`, which YAML 1.2 does not have")
        if event.value in top.node.items:
            place = _place(event)
            message = f"the key {event.value!r:.80} stands here a second time"
            raise Unreadable("DUPLICATE_KEY", message, place.line, place.column, "remove one of them")
        self._anchor(event.anchor, Scalar(event.value, _place(event)))
        top.key = (event.value, _place(event))

    def _open(self, event: Any) -> None:
        _check_tag(event)
        if self._is_key():
            raise _refused(event, "expected a plain key, but got a list or a mapping", _hint("key"))
        if len(self.stack) > MAX_DEPTH:
            raise Unreadable("TOO_DEEP", f"expected at most {MAX_DEPTH} levels", *_place(event)[:2])
        node = Table(_place(event)) if isinstance(event, MappingStartEvent) else List(_place(event))
        self._add(node, event)
        self.stack.append(_Open(node, event.anchor))

    def _add(self, node: Node, event: Any) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if isinstance(top.node, List):
            top.node.items.append(Item(_place(event), node))
        elif top.key is not None:
            name, place = top.key
            top.node.items[name] = Item(place, node)
            top.key = None

    def _anchor(self, name: str | None, node: Node) -> None:
        """Known only when it is complete, so that nothing can contain itself."""
        if name is not None:
            self.anchors[name] = node

    def _aliased(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > _MAX_ALIASES:
            raise _refused(event, f"expected at most {_MAX_ALIASES:,} aliases")
        node = self.anchors.get(event.anchor)
        if node is None:
            raise _refused(
                event, f"expected an anchor that stands complete before its alias, but got {event.anchor!r:.80}"
            )
        return node


def _value(event: Any) -> str | int | float | bool | None:
    text: str = event.value
    if not event.implicit[0]:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= _MAX_DIGITS:
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text)
    if _SPECIAL.match(text):
        raise _refused(event, f"expected a finite number, but got {text}", "write it in quotes if it is a text")
    return text


def _code_point(character: Any) -> int:
    return ord(character) if isinstance(character, str) else int(character)


def _check_tag(event: Any) -> None:
    if event.tag not in (None, "!"):
        raise _refused(event, f"expected no tags, but got {event.tag!r:.80}", "leave the tag out; quotes make a text")


def _refused(event: Any, message: str, suggestion: str = "") -> Unreadable:
    place = _place(event)
    return Unreadable("BAD_SYNTAX", message, place.line, place.column, suggestion)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _verbatim(event: Any) -> Place:
    """Where the text begins, if its characters stand in one line as they are."""
    place = _place(event)
    start, end = event.start_mark, event.end_mark
    quoted = event.style in ("'", '"')
    if start.line != end.line or end.column - start.column != len(event.value) + 2 * quoted:
        return place
    return place._replace(text_column=place.column + quoted)


def _hint(message: str) -> str:
    if "could not find expected ':'" in message or "mapping values are not allowed" in message:
        return "put a text that contains `: ` or begins with a sign in quotes"
    if "key" in message:
        return 'a value that begins with {{ has to stand in quotes: "{{ name }}"'
    if "\\t" in message or "'\t'" in message:
        return "indent with spaces"
    return ""
