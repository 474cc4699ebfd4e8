"""Which of two semantic versions is the later one (semver.org, version 2.0.0, rule 11)."""

from __future__ import annotations

from typing import TypeAlias

Precedence: TypeAlias = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...], str]


def precedence(version: str) -> Precedence:
    """
    A key by which versions sort; a pre-release comes before its release.

    Build metadata has no precedence; it decides last, so that the order of any two versions is always the same.
    """
    rest, _, build = version.partition("+")
    numbers, _, pre_release = rest.partition("-")
    identifiers = tuple(_identifier(text) for text in pre_release.split(".")) if pre_release else ()
    return tuple(int(number) for number in numbers.split(".")), not pre_release, identifiers, build


def _identifier(text: str) -> tuple[int, int, str]:
    """Numbers sort by value and before words; words sort by their characters."""
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
