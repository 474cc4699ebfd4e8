"""The documentation as text: its pages, links, console lines, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

TOP: Final = Path(__file__).parents[2]
DOCS: Final = TOP / "docs"
PAGES: Final = [TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]

_FENCE: Final = re.compile(r"^```(\S*).*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    language: str
    text: str


def name(page: Path) -> str:
    return str(page.relative_to(TOP))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text())


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text())]


def links(page: Path) -> list[str]:
    """Targets of links that do not lead out of the repository."""
    targets = _LINK.findall(re.sub(r"`[^`]*`", "", prose(page)))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to, as hosts of repositories make them."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[str]:
    """The lines that a reader is told to type, continued ones joined."""
    for block in blocks(page):
        if block.language == "console":
            text = block.text.replace("\\\n", " ")
            yield from (line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))


def column(page: Path, heading: str, number: int = 0) -> list[str]:
    """A column of the first table below ``heading``, without backticks."""
    section = re.split(rf"^#+ {re.escape(heading)}$", page.read_text(), maxsplit=1, flags=re.MULTILINE)[1]
    rows = [
        line
        for line in re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
        if line.startswith("|")
    ]
    return [row.split("|")[number + 1].strip().strip("`") for row in rows[2:]]
