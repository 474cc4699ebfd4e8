"""Locks as a kind of entity."""

from __future__ import annotations

from typing import Final, get_args

from penstock.domain.lock.commands import LockCommand
from penstock.domain.lock.decide import decide
from penstock.domain.lock.evolve import evolve
from penstock.domain.lock.react import react
from penstock.domain.lock.state import FREE, due_at
from penstock.engine.plain_kind import PlainKind

LOCKS: Final = PlainKind(
    commands=frozenset(get_args(LockCommand)),
    callers=frozenset(),
    nothing=FREE,
    decide=lambda subject, state, command, now: decide(state, command),
    apply=evolve,
    oblige=react,
    due=due_at,
    asked=lambda event: False,
)
