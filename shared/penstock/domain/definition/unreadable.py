"""Why a text cannot be read at all."""

from __future__ import annotations

from penstock.domain.definition.findings import Path


class Unreadable(Exception):
    """The text stops making sense at ``line`` and ``column``, which count from 1."""

    def __init__(
        self, code: str, message: str, line: int, column: int, suggestion: str = "", *, path: Path = ()
    ) -> None:
        super().__init__(code, message, line, column)
        self.code, self.message, self.line, self.column = code, message, line, column
        self.suggestion, self.path = suggestion, path
