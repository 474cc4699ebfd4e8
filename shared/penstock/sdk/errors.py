"""What handlers raise, and what is raised at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.domain.errors import FailureKind


class TaskFailed(Exception):
    """
    Raise it in a handler: the task failed in a way that the business knows by ``code``.

    The step's retry policy decides about another attempt; ``retryable=False`` rules one out. ``kind`` is the class of
    the failure, which a ``catch`` can ask for.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        retryable: bool = True,
        details: Mapping[str, Any] | None = None,
        kind: FailureKind | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.retryable, self.details, self.kind = code, message, retryable, details, kind


class IntegrationFailed(TaskFailed):
    """Another system does not answer, or answers wrongly; it may do better at the next attempt."""

    def __init__(
        self, code: str, message: str = "", *, retryable: bool = True, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, retryable=retryable, details=details, kind="integration")


class InputRejected(TaskFailed):
    """The data is not as it has to be; say in ``details`` which part. Another attempt would get the same data."""

    def __init__(
        self, code: str, message: str = "", *, retryable: bool = False, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, retryable=retryable, details=details, kind="validation")


class BusinessRuleBroken(TaskFailed):
    """The business does not allow what is asked for; another attempt would not be allowed either."""

    def __init__(
        self, code: str, message: str = "", *, retryable: bool = False, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, retryable=retryable, details=details, kind="business")


class TaskWithdrawn(Exception):
    """The attempt is no longer wanted; whatever it gives is dropped. Raised by a heartbeat, so that handlers end."""


class HandlerInvalid(TypeError):
    """A function cannot be a handler, or two handlers claim the same type of task."""


class ModuleInvalid(Exception):
    """A module of handlers cannot be loaded, or holds none."""


class TransportUnavailable(Exception):
    """The other side does not answer just now: wait, and try again."""
