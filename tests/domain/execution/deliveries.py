"""What mailboxes, signals, locks and children tell an execution, as commands of a story."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution.state import Execution, ExecutionState, OpenChild, Visit
from penstock.domain.mailbox.message import Message
from penstock.domain.steps.listen import CATCHES
from tests.domain.execution.story import NOON, Ask


def message(step: str, payload: Any = None, *, option: int = 0, id_: str = "m1") -> Ask:
    """A message for the wait ``option`` of the oldest visit of ``step``."""
    sent = Message(id=id_, name="m", key="k", payload=payload, sent_at=NOON, expires_at=NOON + timedelta(days=30))
    return lambda state: c.DeliverMessage(visit=visit_of(state, step), option=option, message=sent)


def caught_message(step: str, payload: Any = None, *, catch: int = 0, id_: str = "m1") -> Ask:
    """A message for the ``catch`` of ``step``."""
    return message(step, payload, option=CATCHES + catch, id_=id_)


def signal(step: str, payload: Any = None, *, option: int = 0) -> Ask:
    return lambda state: c.DeliverSignal(visit=visit_of(state, step), option=option, name="s", payload=payload)


def confirm(step: str, *, option: int = 0) -> Ask:
    return lambda state: c.ConfirmWait(visit=visit_of(state, step), option=option)


def grant(step: str, lock: str, fence: int = 1) -> Ask:
    return lambda state: c.GrantLock(visit=visit_of(state, step), lock=lock, fence=fence)


def child(
    step: str,
    outcome: Literal["completed", "failed", "cancelled", "terminated", "refused"] = "completed",
    output: Any = None,
    code: str | None = None,
) -> Ask:
    """What the execution that the oldest visit of ``step`` waits for has come to."""

    def ask(state: ExecutionState) -> c.ExecutionCommand:
        name = getattr(visits(state)[visit_of(state, step)], "child", None) or ""
        failure = Failure(code=code, message="it broke") if code else None
        return c.CompleteChild(child=name, outcome=outcome, output=output, failure=failure)

    return ask


def children(state: ExecutionState) -> list[str]:
    return [visit.child for visit in visits(state).values() if isinstance(visit, OpenChild)]


def visit_of(state: ExecutionState, step: str) -> int:
    """The oldest visit of ``step``."""
    return min(number for number, visit in visits(state).items() if visit.step == step)


def visits(state: ExecutionState) -> dict[int, Visit]:
    assert isinstance(state, Execution)
    return state.visits
