"""What went wrong in a step, as it is recorded, shown, and matched by retry policies."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import msgspec

FailureKind: TypeAlias = Literal["system", "workflow", "integration", "validation", "business"]
"""
The class of a failure: of the machinery (workers, time, space), of the definition, of another system, of the data, or
of what the business does not allow.
"""
FAILURE_KINDS: Final[tuple[FailureKind, ...]] = get_args(FailureKind)


class ErrorCode(StrEnum):
    """Codes that the engine itself gives; those of handlers are their own (default: the exception's class name)."""

    TASK_TIMED_OUT = "TASK_TIMED_OUT"
    TASK_NOT_STARTED = "TASK_NOT_STARTED"
    TASK_LOST = "TASK_LOST"
    EXECUTION_TIMED_OUT = "EXECUTION_TIMED_OUT"
    EXPRESSION_FAILED = "EXPRESSION_FAILED"
    NO_BRANCH_TAKEN = "NO_BRANCH_TAKEN"
    JOIN_UNREACHABLE = "JOIN_UNREACHABLE"
    LOOP_LIMIT = "LOOP_LIMIT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    STEP_TIMED_OUT = "STEP_TIMED_OUT"
    STEP_CANCELLED = "STEP_CANCELLED"
    LOCK_UNREACHABLE = "LOCK_UNREACHABLE"
    DEPTH_LIMIT = "DEPTH_LIMIT"
    CHILD_CANCELLED = "CHILD_CANCELLED"
    CHILD_REFUSED = "CHILD_REFUSED"


_KINDS: Final[Mapping[str, FailureKind]] = {
    ErrorCode.TASK_TIMED_OUT: "system",
    ErrorCode.TASK_NOT_STARTED: "system",
    ErrorCode.TASK_LOST: "system",
    ErrorCode.EXECUTION_TIMED_OUT: "system",
    ErrorCode.EXPRESSION_FAILED: "workflow",
    ErrorCode.NO_BRANCH_TAKEN: "workflow",
    ErrorCode.JOIN_UNREACHABLE: "workflow",
    ErrorCode.LOOP_LIMIT: "workflow",
    ErrorCode.PAYLOAD_TOO_LARGE: "system",
    ErrorCode.STEP_TIMED_OUT: "system",
    ErrorCode.STEP_CANCELLED: "workflow",
    ErrorCode.LOCK_UNREACHABLE: "workflow",
    ErrorCode.DEPTH_LIMIT: "workflow",
    ErrorCode.CHILD_CANCELLED: "workflow",
    ErrorCode.CHILD_REFUSED: "workflow",
}

MAX_MESSAGE: Final = 10_000
"""Characters; a definition can name a great many steps and conditions in one sentence."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One failure. ``retryable`` False ends the attempts whatever the policy says (ERR-01, ERR-07). ``kind`` is the class
    that whoever failed gave it; ``kind_of_failure`` knows those of the engine too.
    """

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    message: Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)] = ""
    retryable: bool = True
    details: dict[str, Any] | None = None
    kind: FailureKind | None = None


def kind_of_failure(failure: Failure) -> FailureKind | None:
    """The class of ``failure``: a code of the engine has one for good, else it is what was said."""
    return _KINDS.get(failure.code, failure.kind)


def defective(code: str, message: str) -> Failure:
    """A failure that the definition or its data is to blame for: trying again alone does not help."""
    return Failure(code=code, message=message[:MAX_MESSAGE], retryable=False)


class StepFailure(Exception):
    """A step cannot be entered or left; the turn records it as the step's failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.failure = defective(code, message)
