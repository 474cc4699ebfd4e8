"""What has happened to an operation. Stored for ever; ``evolve`` needs nothing else."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from penstock.domain.operation.orders import Action


class OperationStarted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    action: Action
    arguments: dict[str, Any] = {}
    targets: tuple[str, ...]
    total: int
    expected: tuple[str, ...] = ()
    by: str = "system"


class TargetsAdded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    targets: tuple[str, ...]


class OperationAdvanced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The command goes to ``targets``, the next in line. ``sent`` of all have it then."""

    sent: int
    targets: tuple[str, ...]
    action: Action
    arguments: dict[str, Any] = {}
    expected: tuple[str, ...] = ()


class TargetAccepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution did as it was asked, or it was so already; with that ``accepted`` of them."""

    execution: str
    accepted: int


class TargetRefused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution refused; with that ``refused`` of them."""

    execution: str
    code: str
    refused: int


class OperationPaused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


class OperationResumed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    by: str = "system"


class OperationCancelled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``skipped`` targets are not asked any more."""

    skipped: int
    reason: str = ""
    by: str = "system"


class OperationCompleted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every target has answered."""

    accepted: int = 0
    refused: int = 0


OperationEvent: TypeAlias = (
    OperationStarted
    | TargetsAdded
    | OperationAdvanced
    | TargetAccepted
    | TargetRefused
    | OperationPaused
    | OperationResumed
    | OperationCancelled
    | OperationCompleted
)
