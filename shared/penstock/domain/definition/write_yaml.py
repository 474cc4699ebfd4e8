"""
A source to text: the YAML that ``read_yaml`` reads back as the same value, in few lines and with few quotes.

A text stands without quotes only where every YAML takes it for one: ``on`` and ``1e5`` do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_WIDTH: Final = 88
"""What is longer is written over several lines."""

_LEVELS: Final = 2
"""Collections within one another that still read well in one line."""

_SPREAD: Final = ("steps", "do")
_LONGEST_KEY: Final = 1_000
_WORD: Final = re.compile(r"[^\W\d][^\x00-\x1f]*\Z")
_VERSION_OR_DURATION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]*\Z|([0-9]+(\.[0-9]+)?(ms|[wdhms]))+\Z")
_NO_TEXT: Final = re.compile(r"(true|false|null|yes|no|on|off|y|n)\Z", re.IGNORECASE)
_BREAKS_WORD: Final = re.compile(r":(?=\s|\Z)|\s#|\s\Z")
_BREAKS_WORD_IN_LINE: Final = re.compile(r"[,\[\]{}:?]")


def write_yaml(source: Mapping[str, Any]) -> str:
    """The text of a source that is plain JSON; keys keep their order, and every step begins a line."""
    return "".join(f"{line}\n" for line in _mapping(source, 0))


def _mapping(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """The lines of a mapping; the collections under ``_SPREAD`` are never put into one line."""
    for key, item in value.items():
        name = _text(key, in_line=False)
        if len(name) > _LONGEST_KEY:  # YAML looks no further for the colon
            yield f"{' ' * indent}? {name}"
            name = ""
        yield from _entry(f"{' ' * indent}{name}:", item, indent, spread=key in _SPREAD)


def _list(value: list[Any], indent: int) -> Iterator[str]:
    margin = " " * indent
    for item in value:
        if isinstance(item, dict) and item:
            lines = list(_mapping(item, indent + 2))
            yield f"{margin}- {lines[0][indent + 2 :]}"
            yield from lines[1:]
        else:
            yield from _entry(f"{margin}-", item, indent)


def _entry(head: str, item: Any, indent: int, *, spread: bool = False) -> Iterator[str]:
    """``head`` and what stands behind it, or below it."""
    if isinstance(item, dict | list):
        line = None if spread and item else _line(item, _WIDTH - len(head) - 1)
        if line is not None:
            yield f"{head} {line}"
        else:
            yield head
            yield from _mapping(item, indent + 2) if isinstance(item, dict) else _list(item, indent + 2)
    elif isinstance(item, str) and _reads_in_lines(item):
        yield f"{head} |{'' if item.endswith(chr(10)) else '-'}"
        for line in item.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
    else:
        yield f"{head} {_scalar(item, in_line=False)}"


def _line(value: Any, room: int, levels: int = _LEVELS) -> str | None:
    """A value in one line; None where it is too long or too deep for one, or a list of mappings."""
    if not isinstance(value, dict | list):
        return _scalar(value, in_line=True)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    if levels == 0 or (isinstance(value, list) and any(isinstance(item, dict) and item for item in value)):
        return None
    parts, length = [], 0
    for key in value:
        is_named = isinstance(value, dict)
        part = _line(value[key] if is_named else key, room, levels - 1)
        if part is None:
            return None
        parts.append(f"{_text(key, in_line=True)}: {part}" if is_named else part)
        length += len(parts[-1]) + 2
        if length > room:
            return None
    return f"{{{', '.join(parts)}}}" if isinstance(value, dict) else f"[{', '.join(parts)}]"


def _scalar(value: Any, *, in_line: bool) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value, in_line=in_line)
        case _:
            return repr(value)


def _text(text: str, *, in_line: bool) -> str:
    if _is_plain(text) and not (in_line and _BREAKS_WORD_IN_LINE.search(text)):
        return text
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return f'"{"".join(_escaped(character) for character in text)}"'


def _is_plain(text: str) -> bool:
    if not text.isprintable() or _BREAKS_WORD.search(text) or _NO_TEXT.match(text):
        return False
    return bool(_WORD.match(text) or _VERSION_OR_DURATION.match(text))


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _reads_in_lines(text: str) -> bool:
    """Whether it may stand in lines of its own, as it is."""
    lines = text.removesuffix("\n").split("\n")
    return "\n" in text and bool(lines[-1]) and all(map(str.isprintable, lines)) and lines[0][:1] not in ("", " ")
