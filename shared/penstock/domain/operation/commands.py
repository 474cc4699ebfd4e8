"""What an operation, the change of many executions, can be asked to do. Its subject holds its id."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from penstock.domain.execution.commands import FireTimers, Name, Tags, Text
from penstock.domain.operation.orders import Action
from penstock.domain.starts import ReportOutcome

MAX_PAGE: Final = 10_000
"""Targets of one command."""
MAX_TARGETS: Final = 100_000
"""Of all of them."""

Targets: TypeAlias = Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_PAGE)]


class StartOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Send the command ``action`` with ``arguments`` to each of ``targets``, which refuses it unless it has one of the
    statuses ``expected``. ``total`` is how many targets there are, where more follow with ``AddTargets``.
    """

    action: Action
    arguments: dict[str, Any] = {}
    targets: Targets
    total: int | None = None
    expected: Tags = ()
    by: Name = "system"


class AddTargets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The next targets; ``start`` is the number of those that came before."""

    start: int
    targets: Targets


class PauseOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: Name = "system"


class ResumeOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: Name = "system"


class CancelOperation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Send nothing more. What was sent stays done."""

    reason: Text = ""
    by: Name = "system"


OperationCommand: TypeAlias = (
    StartOperation | AddTargets | PauseOperation | ResumeOperation | CancelOperation | ReportOutcome | FireTimers
)
