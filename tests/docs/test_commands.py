"""Every `penstock ...` that a reader is told to type is one that the command line takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import parse
from tests.docs import pages

_ENDS = frozenset({"|", ">", ">>", "<", "&&", "||", ";", "&"})


def of_penstock(line: str) -> Iterator[list[str]]:
    """The calls of `penstock` in a line of a shell, without assignments before and redirections behind."""
    words: list[str] = []
    splitter = shlex.shlex(line, posix=True, punctuation_chars=True)
    splitter.whitespace_split = True
    for word in [*splitter, ";"]:
        if word not in _ENDS:
            words.append(word)
            continue
        if "xargs" in words:
            words.append("WHAT-IT-READS")
        while words and ("=" in words[0] or words[0] == "xargs"):
            words.pop(0)
        if words and words[0] == "penstock":
            rest = words[1:]
            yield rest[1:] if rest[:1] in (["--debug"], ["--version"]) else rest
        words = []


LINES = [(page, line) for page in pages.PAGES for line in pages.commands(page)]


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_every_command_of_a_page_is_taken(page: Path) -> None:
    for line in pages.commands(page):
        for arguments in of_penstock(line):
            if arguments:
                parse(arguments)


def test_calls_are_found_in_what_a_shell_makes_of_them() -> None:
    line = "A=1 penstock list --all --json | jq -r '.items[].id' | xargs penstock retry && ls > out"
    assert list(of_penstock(line)) == [["list", "--all", "--json"], ["retry", "WHAT-IT-READS"]]


def test_the_pages_tell_readers_to_type_something() -> None:
    assert sum(bool(list(of_penstock(line))) for _, line in LINES) > 20


def test_what_make_is_told_to_do_is_a_target() -> None:
    targets = {line.partition(":")[0] for line in (pages.TOP / "Makefile").read_text().splitlines() if ": " in line}
    told = {line.split()[1] for _, line in LINES if line.startswith("make ")}
    assert told
    assert told <= targets
