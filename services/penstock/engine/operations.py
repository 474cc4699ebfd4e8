"""Operations as a kind of entity."""

from __future__ import annotations

from typing import Final, get_args

from penstock.domain.operation import events as e
from penstock.domain.operation.commands import (
    AddTargets,
    CancelOperation,
    OperationCommand,
    PauseOperation,
    ResumeOperation,
    StartOperation,
)
from penstock.domain.operation.decide import decide
from penstock.domain.operation.evolve import evolve
from penstock.domain.operation.react import react
from penstock.domain.operation.state import NEVER, due_at
from penstock.engine.plain_kind import PlainKind

_ASKED: Final = (
    e.OperationStarted,
    e.TargetsAdded,
    e.OperationPaused,
    e.OperationResumed,
    e.OperationCancelled,
)

OPERATIONS: Final = PlainKind(
    commands=frozenset(get_args(OperationCommand)),
    callers=frozenset({StartOperation, AddTargets, PauseOperation, ResumeOperation, CancelOperation}),
    nothing=NEVER,
    decide=lambda subject, state, command, now: decide(state, command, subject),
    apply=evolve,
    oblige=react,
    due=due_at,
    asked=lambda event: isinstance(event, _ASKED),
)
