"""What a ``Client`` raises: one class for each way in which a caller has to go on."""

from __future__ import annotations

from typing import Any


class CallFailed(Exception):
    """A call did not do what it was asked to. ``code`` never changes its meaning; ``detail`` is for people."""

    def __init__(self, code: str, detail: str, more: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.more = code, detail, more or {}


class Rejected(CallFailed):
    """It was refused, and will be refused again. A definition's ``more["findings"]`` say what is wrong with it."""


class NotFound(Rejected):
    """There is no such execution or definition."""


class Unauthorized(CallFailed):
    """The API token is missing or wrong."""


class Unavailable(CallFailed):
    """Nobody answers, or not now: come back later. Where it was a command, repeat it with the same id."""


class TimedOut(CallFailed):
    """The time was up first. What was begun goes on."""


class ExecutionFailed(CallFailed):
    """``result`` was asked of an execution that failed, or was cancelled or terminated."""
