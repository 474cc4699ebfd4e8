"""What handlers raise, and what is raised at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TaskFailed(Exception):
    """
    Raise it in a handler: the task failed in a way that the business knows by ``code``.

    The step's retry policy decides about another attempt; ``retryable=False`` rules one out.
    """

    def __init__(
        self, code: str, message: str = "", *, retryable: bool = True, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.retryable, self.details = code, message, retryable, details


class TaskWithdrawn(Exception):
    """The attempt is no longer wanted; whatever it gives is dropped. Raised by a heartbeat, so that handlers end."""


class HandlerInvalid(TypeError):
    """A function cannot be a handler, or two handlers claim the same type of task."""


class ModuleInvalid(Exception):
    """A module of handlers cannot be loaded, or holds none."""


class TransportUnavailable(Exception):
    """The other side does not answer just now: wait, and try again."""
