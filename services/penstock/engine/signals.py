"""Signals as a kind of entity."""

from __future__ import annotations

from typing import Final, get_args

from penstock.domain.signal.commands import BroadcastSignal, SignalCommand
from penstock.domain.signal.decide import decide
from penstock.domain.signal.events import SignalBroadcast
from penstock.domain.signal.evolve import evolve
from penstock.domain.signal.react import react
from penstock.domain.signal.state import NOBODY, due_at
from penstock.engine.plain_kind import PlainKind

SIGNALS: Final = PlainKind(
    commands=frozenset(get_args(SignalCommand)),
    callers=frozenset({BroadcastSignal}),
    nothing=NOBODY,
    decide=lambda subject, state, command, now: decide(state, command),
    apply=evolve,
    oblige=react,
    due=due_at,
    asked=lambda event: isinstance(event, SignalBroadcast),
)
