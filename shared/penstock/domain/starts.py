"""Executions that schedules, messages and hooks start: what a trigger makes of its cause, and who is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from penstock.domain.execution.commands import LifeCommand, Name, StartExecution, StepCommand
from penstock.domain.execution.effects import SendCommand
from penstock.domain.expressions.template import EvaluationFailed, ExpressionInvalid, compile_template
from penstock.domain.payloads import checked_size
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.storable import NotStorable, check_values
from penstock.domain.subjects import kind_of

Steering: TypeAlias = LifeCommand | StepCommand
MAX_NAME: Final = 200
"""Characters of whoever starts an execution, and of a business key."""


class ReportOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution took what it was sent (without a ``code``), or refused it. Comes from the engine only."""

    execution: Name
    code: Name = ""


class StartRefused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution that was to begin did not."""

    execution: str
    code: str


class Started(Protocol):
    """An event that starts an execution."""

    @property
    def execution(self) -> str: ...
    @property
    def definition(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def input(self) -> dict[str, Any]: ...
    @property
    def business_key(self) -> str | None: ...


def start_of(subject: str, event: Started) -> SendCommand:
    """The start that ``event`` obliges ``subject`` to. One with too long a name is not told what became of it."""
    command = StartExecution(
        definition=event.definition,
        version=event.version,
        input=event.input,
        business_key=event.business_key,
        initiated_by=subject if len(subject) <= MAX_NAME else kind_of(subject),
    )
    return SendCommand(subject=event.execution, command=command)


def reported(subject: str, command: msgspec.Struct, code: str = "") -> tuple[SendCommand, ...]:
    """
    What is owed to the sender of ``command`` because the execution ``subject`` took it, or refused it with ``code``:
    an operation hears of both, a schedule or a mailbox of a start that was refused.
    """
    if isinstance(command, Steering):
        owed = command.by if kind_of(command.by) == "operation" else ""
    elif isinstance(command, StartExecution) and code:
        owed = command.initiated_by if kind_of(command.initiated_by) in ("schedule", "mailbox") else ""
    else:
        owed = ""
    return (SendCommand(subject=owed, command=ReportOutcome(execution=subject, code=code)),) if owed else ()


def worked_out(
    template: Any,
    business_key: str | None,
    now: datetime,
    *,
    payload: Any = None,
    key: str | None = None,
    due: datetime | None = None,
) -> tuple[dict[str, Any], str | None]:
    """
    The input and the business key of an execution that something starts. Without a template, the input is the payload:
    as it is, where it is an object, else under the name ``payload``.

    Raises:
        Rejected: INPUT_INVALID or PAYLOAD_TOO_LARGE; no execution can begin with it.

    """
    due_at = due.isoformat() if due is not None else None
    names = {"payload": payload, "key": key, "due": due_at, "now": now.isoformat()}
    try:
        found = _plain(payload) if template is None else compile_template(template).render(names)
        called = None if business_key is None else compile_template(business_key).render(names)
        check_values(found)
        check_values(called)
    except (EvaluationFailed, ExpressionInvalid, NotStorable) as error:
        raise Rejected(RejectionCode.INPUT_INVALID, f"expected an input, but {error}") from error
    if not isinstance(found, dict):
        raise Rejected(RejectionCode.INPUT_INVALID, f"expected the input to be an object, but got {found!r:.60}")
    checked_size(found)
    return found, _called(called)


def _plain(payload: Any) -> Any:
    if payload is None:
        return {}
    return payload if isinstance(payload, dict) else {"payload": payload}


def _called(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= MAX_NAME):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value}"
    raise Rejected(
        RejectionCode.INPUT_INVALID,
        f"expected a business key of 1 to {MAX_NAME} characters, but got {value!r:.60}",
    )
