"""How a command is refused: a code that is stored for ever, and a sentence for the person who sent it."""

from __future__ import annotations

from enum import StrEnum


class RejectionCode(StrEnum):
    # about the record
    MALFORMED = "MALFORMED"
    COMMAND_UNKNOWN = "COMMAND_UNKNOWN"
    MISROUTED = "MISROUTED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    # about an execution
    EXECUTION_EXISTS = "EXECUTION_EXISTS"
    EXECUTION_UNKNOWN = "EXECUTION_UNKNOWN"
    EXECUTION_ENDED = "EXECUTION_ENDED"
    INVALID_STATE_TRANSITION = "INVALID_STATE_TRANSITION"
    INPUT_INVALID = "INPUT_INVALID"
    START_TOO_OLD = "START_TOO_OLD"
    ID_INVALID = "ID_INVALID"
    # about a task
    TASK_NOT_OPEN = "TASK_NOT_OPEN"
    ATTEMPT_SUPERSEDED = "ATTEMPT_SUPERSEDED"
    TASK_CLAIMED_BY_OTHER = "TASK_CLAIMED_BY_OTHER"
    # about a step that is open, or ought to be
    WAIT_NOT_OPEN = "WAIT_NOT_OPEN"
    STEP_NOT_OPEN = "STEP_NOT_OPEN"
    STEP_UNKNOWN = "STEP_UNKNOWN"
    STEP_EXISTS = "STEP_EXISTS"
    STEP_NOT_OFFERED = "STEP_NOT_OFFERED"
    ITEMS_CLOSED = "ITEMS_CLOSED"
    # about what executions share
    MAILBOX_FULL = "MAILBOX_FULL"
    SCHEDULE_UNKNOWN = "SCHEDULE_UNKNOWN"
    SCHEDULE_INVALID = "SCHEDULE_INVALID"
    OPERATION_UNKNOWN = "OPERATION_UNKNOWN"
    STATUS_NOT_EXPECTED = "STATUS_NOT_EXPECTED"
    MIGRATION_IMPOSSIBLE = "MIGRATION_IMPOSSIBLE"
    # about a definition
    DEFINITION_UNKNOWN = "DEFINITION_UNKNOWN"
    DEFINITION_INACTIVE = "DEFINITION_INACTIVE"
    DEFINITION_INVALID = "DEFINITION_INVALID"
    VERSION_EXISTS = "VERSION_EXISTS"
    DRAFT_CHANGED = "DRAFT_CHANGED"
    QUEUE_MISSING = "QUEUE_MISSING"
    QUEUE_TRANSPORT_CONFLICT = "QUEUE_TRANSPORT_CONFLICT"


class Rejected(Exception):
    """The command can never succeed in this state. It leaves a turn as a value; the caller gets it as the answer."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail
