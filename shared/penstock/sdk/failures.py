"""What a handler raised, as the failure that is recorded: bounded, and fit to be stored."""

from __future__ import annotations

import traceback
from typing import Any, Final

import msgspec

from penstock.domain.errors import FAILURE_KINDS, ErrorCode, Failure
from penstock.runtime.supervise import Raised, outcome_of_call
from penstock.sdk.errors import TaskFailed
from penstock.sdk.outputs import OutputInvalid, output_of

MAX_CODE: Final = 100
MAX_MESSAGE: Final = 2_000
MAX_TRACEBACK: Final = 8_000
MAX_DETAILS: Final = 64_000

HANDLER_MISSING: Final = "HANDLER_MISSING"
WORKER_STOPPED: Final = "WORKER_STOPPED"


def failure_of(error: BaseException) -> Failure:
    """A failure that the handler named, or else one by the name of the exception's class."""
    if isinstance(error, TaskFailed):
        return Failure(
            code=_clean(error.code, MAX_CODE),
            message=_clean(error.message, MAX_MESSAGE),
            retryable=error.retryable,
            details=_details(error.details),
            kind=error.kind if error.kind in FAILURE_KINDS else None,
        )
    return Failure(
        code=_clean(type(error).__name__, MAX_CODE),
        message=_clean(_text(error), MAX_MESSAGE),
        details={"traceback": _traceback(error)},
    )


def timed_out(seconds: float) -> Failure:
    message = f"expected the handler to end within {seconds:g} s, but it did not"
    return Failure(code=ErrorCode.TASK_TIMED_OUT, message=message)


def handler_missing(kind: str, queue: str) -> Failure:
    """Retryable: a worker that knows the type may be on its way."""
    message = f"expected a handler for tasks of type {kind!r} in every worker of queue {queue!r}, but one has none"
    return Failure(code=HANDLER_MISSING, message=message, kind="system")


def worker_stopped() -> Failure:
    return Failure(code=WORKER_STOPPED, message="the worker was stopped before the handler ended", kind="system")


def too_large(size: int, limit: int) -> Failure:
    message = f"expected an output of at most {limit} bytes, but it has {size}"
    return Failure(code=ErrorCode.PAYLOAD_TOO_LARGE, message=message, retryable=False)


def _traceback(error: BaseException) -> str:
    """The end of it, where the cause stands."""
    text = "".join(traceback.format_exception(error, limit=-20))
    return _clean(text if len(text) <= MAX_TRACEBACK else "..." + text[3 - MAX_TRACEBACK :], MAX_TRACEBACK)


def _details(details: Any) -> dict[str, Any] | None:
    if details is None:
        return None
    try:
        stored: dict[str, Any] = output_of(dict(details))
    except (OutputInvalid, TypeError, ValueError):
        return {"text": _clean(repr(details), MAX_MESSAGE)}
    if len(msgspec.json.encode(stored)) > MAX_DETAILS:
        return {"text": _clean(repr(details), MAX_MESSAGE)}
    return stored


def _text(error: BaseException) -> str:
    """Even ``str`` of a foreign exception is foreign code."""
    said = outcome_of_call(error.__str__, {})
    return f"(its message cannot be shown: {type(said.error).__name__})" if isinstance(said, Raised) else str(said)


def _clean(text: str, limit: int) -> str:
    """Text that every store can hold: no NUL, no lone surrogate."""
    return str(text)[:limit].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
