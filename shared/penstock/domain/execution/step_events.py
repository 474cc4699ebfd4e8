"""What happens to steps of every kind: passed, failed, withdrawn, joined, caught, locked, moved by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from penstock.domain.errors import Failure
from penstock.domain.execution.happened import Evaluation, Happened
from penstock.domain.mailbox.message import Message


class StepPassed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A routing step was entered and left at once."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class StepFailed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    A step could not be entered or left: its own expressions failed, or no branch was open; or it was failed as a whole.

    ``attempt`` is that of its open task, which is withdrawn; ``by`` failed it by hand. ``returns`` is a message that it
    could not take, which goes back to its mailbox.
    """

    visit: int
    step: str
    attempt: int = 0
    scope: int = 0
    consumed: tuple[str, ...] = ()
    failure: Failure
    by: str | None = None
    returns: Message | None = None


class StepCancelled(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    An open step was withdrawn; ``attempt`` is that of its task, 0 where it has none.

    ``child`` is the execution that it waited for, which is withdrawn too: by force where ``force`` is true.
    """

    visit: int
    step: str
    attempt: int = 0
    reason: str = ""
    child: str | None = None
    force: bool = False


class TokensWithdrawn(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens were taken from their transitions and go nowhere: what a join or a step cancels."""

    scope: int
    consumed: tuple[str, ...]


class BranchArrived(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    A token arrived at a join that waits for enough of its ways in. ``taken`` is the way into the step, where the join
    goes on with it; ``ends`` says that the wave is over.
    """

    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    ends: bool = False


class EscalationRaised(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A step told what contains it; whether anybody listens is seen from what follows."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    escalation: Failure
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class BoundaryTriggered(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    A catch of a step took what came: an error, an escalation, a moment, a message or a signal. Where it ``cancels`` the
    visit, that was withdrawn before. ``cause`` names what came; ``message`` is the id of a message.
    """

    visit: int
    step: str
    scope: int = 0
    option: int
    cause: str
    message: str | None = None
    payload: Any = None
    cancels: bool = True
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()


class StepOffered(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody started a step that the open ``visit`` of ``step`` offers; ``taken`` is its way in."""

    visit: int
    step: str
    scope: int = 0
    taken: tuple[str, ...] = ()
    by: str = "system"


class StepSkipped(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    An open or failed step was left by hand; what was in it was withdrawn before. ``undoes`` is the visit that is not
    undone because of it.
    """

    visit: int
    step: str
    scope: int = 0
    undoes: int | None = None
    set: dict[str, Any] = {}
    reason: str = ""
    by: str = "system"
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class StepRerun(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Everything else in ``scope`` was withdrawn, and a token enters ``step`` again."""

    step: str
    scope: int = 0
    taken: tuple[str, ...] = ()
    reason: str = ""
    by: str = "system"
    deadline: datetime | None = None


class LockRequested(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    A token entered a step that it may have to wait for. ``shared``: the lock is one of all executions.

    ``request`` is the number under which the lock knows the visit, where it is not the visit's own: it asks once more.
    """

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    lock: str
    shared: bool = False
    request: int | None = None


class LockGranted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """``fence`` of a shared lock rises with each grant."""

    visit: int
    step: str
    lock: str
    fence: int | None = None


class LockFreed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    lock: str
    shared: bool = False
    request: int | None = None


StepEvent: TypeAlias = (
    StepPassed
    | StepFailed
    | StepCancelled
    | TokensWithdrawn
    | BranchArrived
    | EscalationRaised
    | BoundaryTriggered
    | StepOffered
    | StepSkipped
    | StepRerun
)


LockEvent: TypeAlias = LockRequested | LockGranted | LockFreed
