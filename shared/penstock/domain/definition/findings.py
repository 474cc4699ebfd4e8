"""What is wrong with a definition, or could be better: findings, and the report that collects them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from penstock.domain.expressions.failures import near

Level: TypeAlias = Literal["schema", "graph", "advice"]
Severity: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]

MAX_FINDINGS: Final = 200

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One remark. ``path`` says where in the source (``steps.decide.choose[1].when``), ``line`` and ``column`` count from
    1 and are 0 where the source has no text; ``suggestion`` may be empty.
    """

    level: Level
    severity: Severity
    code: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column} " if self.line else ""
        advice = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}{self.path or 'definition'}: {self.message}{advice} [{self.code}]"


class DefinitionInvalid(Exception):
    """The source is no definition. ``findings`` holds every error that was found, and the warnings beside them."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


class Place(NamedTuple):
    """Line and column, from 1. ``verbatim``: the characters of the text follow from ``text_column`` on, one for one."""

    line: int
    column: int
    text_column: int = 0


class Places(Protocol):
    """Where the parts of a source stand in its text."""

    def key(self, path: Path) -> Place | None: ...

    def value(self, path: Path) -> Place | None: ...


class Report:
    """Collects findings; it never stops at the first, and keeps at most ``MAX_FINDINGS``."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = places
        self._findings: list[Finding] = []
        self._dropped = 0
        self._compared = 0
        self._failed = False

    @property
    def failed(self) -> bool:
        """True once an error was found."""
        return self._failed

    def error(self, code: str, message: str, path: Path, suggestion: str = "", *, level: Level = "schema") -> None:
        self._add(Finding(level=level, severity="error", code=code, message=message, suggestion=suggestion), path)

    def broken(self, code: str, message: str, path: Path, suggestion: str = "", *, within: int = 0) -> None:
        """An error in a text: ``within`` is the column in that text, from 1."""
        finding = Finding(level="schema", severity="error", code=code, message=message, suggestion=suggestion)
        self._add(finding, path, within=within)

    def at_key(self, code: str, message: str, path: Path, suggestion: str = "", *, level: Level = "schema") -> None:
        """An error that is about a key (or the thing it names), not about what stands behind it."""
        finding = Finding(level=level, severity="error", code=code, message=message, suggestion=suggestion)
        self._add(finding, path, at_key=True)

    def warn(
        self, code: str, message: str, path: Path, suggestion: str = "", *, level: Level = "graph", at_key: bool = False
    ) -> None:
        finding = Finding(level=level, severity="warning", code=code, message=message, suggestion=suggestion)
        self._add(finding, path, at_key=at_key)

    def similar(self, name: str, known: Iterable[str]) -> tuple[str, ...]:
        """At most three of ``known`` that look like ``name``; comparing is costly, so it is rationed."""
        self._compared += 1
        return near(name, known) if self._compared <= MAX_FINDINGS else ()

    def nearest(self, name: str, known: Iterable[str]) -> str:
        """The suggestion to write one of ``known`` instead, or nothing."""
        return suggest(self.similar(name, known))

    def findings(self) -> tuple[Finding, ...]:
        """All, in the order of the text where there is one, errors before warnings where there is none."""
        found = sorted(self._findings, key=_order)
        if self._dropped:
            more = f"expected at most {MAX_FINDINGS} findings, but there are {self._dropped:,} more"
            found.append(Finding(level="advice", severity="warning", code="TOO_MANY_FINDINGS", message=more))
        return tuple(found)

    def _add(self, finding: Finding, path: Path, *, at_key: bool = False, within: int = 0) -> None:
        self._failed = self._failed or finding.severity == "error"
        full = len(self._findings) >= MAX_FINDINGS
        if full and (finding.severity == "warning" or not self._drop_a_warning()):
            self._dropped += 1
            return
        place = self._locate(path, at_key)
        line, column = (place.line, place.column) if place else (0, 0)
        if place and within and place.text_column:
            column = place.text_column + within - 1
        self._findings.append(replace(finding, path=path_text(path), line=line, column=column))

    def _drop_a_warning(self) -> bool:
        for index, finding in enumerate(self._findings):
            if finding.severity == "warning":
                del self._findings[index]
                self._dropped += 1
                return True
        return False

    def _locate(self, path: Path, at_key: bool) -> Place | None:
        if self._places is None:
            return None
        if not at_key:
            place = self._places.value(path)
            if place:
                return place
        while path:
            place = self._places.key(path)
            if place:
                return place
            path = path[:-1]
        return self._places.value(())


def path_text(path: Path) -> str:
    """``steps.decide.choose[1].when``; a key that is not a plain word stands in brackets as JSON."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def suggest(names: tuple[str, ...]) -> str:
    """The question whether one of ``names`` was meant, or nothing."""
    return f"did you mean {' or '.join(f'`{name}`' for name in names)}?" if names else ""


def _order(finding: Finding) -> tuple[int, int, bool]:
    return (finding.line, finding.column, finding.severity == "warning")
