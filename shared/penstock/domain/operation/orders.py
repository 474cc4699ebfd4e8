"""What an operation may ask of executions: the commands of people, with the same arguments for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from penstock.domain.execution import commands as c
from penstock.domain.rejected import Rejected, RejectionCode

Action: TypeAlias = Literal[
    "pause",
    "resume",
    "cancel",
    "terminate",
    "retry",
    "migrate",
    "cancel_step",
    "complete_step",
    "skip_step",
    "rerun_step",
    "set_variables",
]

_COMMANDS: Final[Mapping[Action, type[msgspec.Struct]]] = {
    "pause": c.PauseExecution,
    "resume": c.ResumeExecution,
    "cancel": c.CancelExecution,
    "terminate": c.TerminateExecution,
    "retry": c.RetryExecution,
    "migrate": c.MigrateExecution,
    "cancel_step": c.CancelStep,
    "complete_step": c.CompleteStep,
    "skip_step": c.SkipStep,
    "rerun_step": c.RerunStep,
    "set_variables": c.SetVariables,
}
_OWN: Final = frozenset({"by", "expected"})
assert frozenset(_COMMANDS) == frozenset(get_args(Action))


def order(action: Action, arguments: Mapping[str, Any], expected: tuple[str, ...], by: str) -> msgspec.Struct:
    """
    The command that one execution gets.

    Raises:
        Rejected: the action has no such arguments.

    """
    kind = _COMMANDS[action]
    allowed = [name for name in kind.__struct_fields__ if name not in _OWN]
    for name in arguments:
        if name not in allowed:
            known = ", ".join(allowed) or "none"
            raise Rejected(
                RejectionCode.INPUT_INVALID, f"expected arguments of {action!r}: {known}; but got {name!r:.60}"
            )
    try:
        return msgspec.convert({**arguments, "by": by, "expected": expected}, kind)
    except msgspec.ValidationError as error:
        raise Rejected(RejectionCode.INPUT_INVALID, f"expected arguments of {action!r}, but {error}") from error
