"""
One turn of an entity that executions share (a mailbox, a signal, a lock), whichever its subject says: what the test kit
runs. The engine has the same verbs, one kind at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from penstock.domain.execution.effects import Effect
from penstock.domain.lock import decide as lock_decide
from penstock.domain.lock import evolve as lock_evolve
from penstock.domain.lock import react as lock_react
from penstock.domain.lock import state as lock_state
from penstock.domain.mailbox import decide as mailbox_decide
from penstock.domain.mailbox import evolve as mailbox_evolve
from penstock.domain.mailbox import react as mailbox_react
from penstock.domain.mailbox import state as mailbox_state
from penstock.domain.signal import decide as signal_decide
from penstock.domain.signal import evolve as signal_evolve
from penstock.domain.signal import react as signal_react
from penstock.domain.signal import state as signal_state
from penstock.domain.subjects import kind_of


@dataclass(frozen=True, slots=True)
class Shared:
    """The verbs of one kind; ``nothing`` is the state before the first event."""

    nothing: Any
    decide: Callable[[Any, Any, str, datetime], tuple[Any, ...]]
    evolve: Callable[[Any, Any], Any]
    react: Callable[[str, Any], tuple[Effect, ...]]
    due_at: Callable[[Any], datetime | None]

    def turn(self, subject: str, state: Any, command: Any, now: datetime) -> tuple[tuple[Any, ...], Any]:
        """The events that ``command`` causes, and the state that they lead to; ``state`` None: nothing yet."""
        after = self.nothing if state is None else state
        events = self.decide(after, command, subject, now)
        for event in events:
            after = self.evolve(after, event)
        return events, after


def shared(subject: str) -> Shared:
    """The verbs of the kind of ``subject``."""
    return _KINDS[kind_of(subject)]


_KINDS: Final = {
    "mailbox": Shared(
        mailbox_state.EMPTY,
        mailbox_decide.decide,
        mailbox_evolve.evolve,
        mailbox_react.react,
        mailbox_state.due_at,
    ),
    "signal": Shared(
        signal_state.NOBODY,
        lambda state, command, subject, now: signal_decide.decide(state, command),
        signal_evolve.evolve,
        signal_react.react,
        signal_state.due_at,
    ),
    "lock": Shared(
        lock_state.FREE,
        lambda state, command, subject, now: lock_decide.decide(state, command),
        lock_evolve.evolve,
        lock_react.react,
        lock_state.due_at,
    ),
}
