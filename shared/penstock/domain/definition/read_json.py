"""JSON (RFC 8259) to a tree with places: the standard parser knows no places and lets repeated keys pass."""

from __future__ import annotations

import json
import re
from typing import Final

from penstock.domain.definition.document import Item, List, Node, Scalar, Table
from penstock.domain.definition.findings import Place
from penstock.domain.definition.limits import MAX_DEPTH
from penstock.domain.definition.unreadable import Unreadable

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<mark>[\[\]{},:])
      | (?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.])
      | (?P<word>true|false|null)(?!\w)
    )""",
    re.VERBOSE,
)
_WORDS: Final = {"true": True, "false": False, "null": None}
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_MAX_DIGITS: Final = 400


def parse_json(text: str) -> Node | None:
    """
    The tree of ``text``; None where it is empty.

    Raises:
        Unreadable: it is no JSON, repeats a key or goes too deep.

    """
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_start, self._counted = 1, 0, 0

    def document(self) -> Node | None:
        self._skip()
        if self._at == len(self._text):
            return None
        node = self._node(0)
        self._skip()
        if self._at < len(self._text):
            raise self._unexpected("the end of the text")
        return node

    def _node(self, depth: int) -> Node:
        place = self._place()
        if depth > MAX_DEPTH + 1:
            raise Unreadable("TOO_DEEP", f"expected at most {MAX_DEPTH} levels", place.line, place.column)
        match self._next("a value"):
            case ("mark", "{"):
                return self._table(Table(place), depth)
            case ("mark", "["):
                return self._list(List(place), depth)
            case ("string", text):
                return Scalar(json.loads(text), _verbatim(place, text))
            case ("number", text):
                return Scalar(_number(text, place), place)
            case ("word", text):
                return Scalar(_WORDS[text], place)
            case _:
                raise Unreadable("BAD_SYNTAX", "expected a value", place.line, place.column)

    def _table(self, table: Table, depth: int) -> Table:
        if self._ends_at_once("}"):
            return table
        while True:
            self._skip()
            place = self._place()
            kind, text = self._next("a key in double quotes")
            if kind != "string":
                raise Unreadable("BAD_SYNTAX", "expected a key in double quotes", place.line, place.column)
            key = json.loads(text)
            if key in table.items:
                message = f"the key {key!r:.80} stands here a second time"
                raise Unreadable("DUPLICATE_KEY", message, place.line, place.column, "remove one of them")
            self._expect(":")
            self._skip()
            table.items[key] = Item(place, self._node(depth + 1))
            if self._expect(",", "}") == "}":
                return table

    def _list(self, items: List, depth: int) -> List:
        if self._ends_at_once("]"):
            return items
        while True:
            self._skip()
            place = self._place()
            items.items.append(Item(place, self._node(depth + 1)))
            if self._expect(",", "]") == "]":
                return items

    def _ends_at_once(self, mark: str) -> bool:
        self._skip()
        if self._text.startswith(mark, self._at):
            self._at += 1
            return True
        return False

    def _expect(self, *marks: str) -> str:
        self._skip()
        place = self._place()
        kind, text = self._next(" or ".join(f"`{mark}`" for mark in marks))
        if kind != "mark" or text not in marks:
            expected = " or ".join(f"`{mark}`" for mark in marks)
            raise Unreadable("BAD_SYNTAX", f"expected {expected}, but got `{text:.20}`", place.line, place.column)
        return text

    def _next(self, expected: str) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self._unexpected(expected)
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _place(self) -> Place:
        breaks = self._text.count("\n", self._counted, self._at)
        if breaks:
            self._line += breaks
            self._line_start = self._text.rindex("\n", self._counted, self._at) + 1
        self._counted = self._at
        return Place(self._line, self._at - self._line_start + 1)

    def _unexpected(self, expected: str) -> Unreadable:
        self._skip()
        place = self._place()
        got = self._text[self._at : self._at + 1]
        shown = f"got `{got}`" if got else "the text ends"
        return Unreadable("BAD_SYNTAX", f"expected {expected}, but {shown}", place.line, place.column)


def _number(text: str, place: Place) -> int | float:
    if len(text) > _MAX_DIGITS:
        raise Unreadable("OUT_OF_RANGE", "expected a number of fewer digits", place.line, place.column)
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _verbatim(place: Place, text: str) -> Place:
    """A string without escapes stands in the text as it is."""
    return place if "\\" in text else place._replace(text_column=place.column + 1)
