"""The routing step: passed at once, whatever it does on the way."""

from __future__ import annotations

from typing import Any, Final

from penstock.domain.definition.model import RouteStep, Send
from penstock.domain.errors import ErrorCode, Failure, StepFailure
from penstock.domain.execution.events import EscalationRaised, MessageSent, SignalSent, StepPassed
from penstock.domain.execution.names import render, seconds
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import Leaving, leave

MAX_THREADS: Final = 1_000
MAX_KEY: Final = 200


def enter(step: RouteStep, entry: Entry) -> StepPassed | MessageSent | SignalSent | EscalationRaised:
    """
    In and out in one event; the conditions see the variables that the step has set.

    Raises:
        StepFailure: an expression failed, no branch is open, or failing is what the step is for.

    """
    if step.fail is not None:
        raise StepFailure(step.fail.code, str(render(step.fail.message, entry.names, step.id)) or f"step {step.id!r}")
    changed = {name: render(value, entry.names, step.id) for name, value in (step.set or {}).items()}
    leaving = leave(step, entry.with_variables(changed))
    if step.send is not None:
        return _send(step, step.send, entry, leaving)
    if step.escalate is not None:
        message = str(render(step.escalate.message, entry.names, step.id))
        return EscalationRaised(
            visit=entry.visit,
            step=step.id,
            scope=entry.scope,
            consumed=entry.consumed,
            escalation=Failure(code=step.escalate.code, message=message),
            taken=leaving.taken,
            evaluations=leaving.evaluations,
        )
    return StepPassed(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        set=changed,
        taken=leaving.taken * _threads(step, entry),
        evaluations=leaving.evaluations,
    )


def text_key(value: Any, step: str) -> str:
    """
    A correlation key as text.

    Raises:
        StepFailure: it is no text or number, or too long.

    """
    if isinstance(value, str | int | float) and not isinstance(value, bool) and 0 < len(str(value)) <= MAX_KEY:
        return str(value)
    raise StepFailure(
        ErrorCode.EXPRESSION_FAILED,
        f"step {step!r}: expected a correlation key of 1 to {MAX_KEY} characters, but got {value!r:.60}",
    )


def _send(step: RouteStep, send: Send, entry: Entry, leaving: Leaving) -> MessageSent | SignalSent:
    payload = render(send.payload, entry.names, step.id)
    if send.kind == "signal":
        return SignalSent(
            visit=entry.visit,
            step=step.id,
            scope=entry.scope,
            consumed=entry.consumed,
            name=send.name,
            payload=payload,
            taken=leaving.taken,
            evaluations=leaving.evaluations,
        )
    return MessageSent(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        name=send.name,
        key=text_key(render(send.key, entry.names, step.id), step.id),
        payload=payload,
        keep=None if send.keep is None else seconds(send.keep, entry.names, step.id).total_seconds(),
        taken=leaving.taken,
        evaluations=leaving.evaluations,
    )


def _threads(step: RouteStep, entry: Entry) -> int:
    if step.threads is None:
        return 1
    count = render(step.threads, entry.names, step.id)
    if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_THREADS:
        return count
    raise StepFailure(
        ErrorCode.EXPRESSION_FAILED,
        f"step {step.id!r}: expected 0 to {MAX_THREADS} threads, but got {count!r:.60}",
    )
