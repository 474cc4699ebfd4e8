"""
One turn: decide, evolve, and let everything move until the execution rests. The engine, the test kit and the
simulation all run this function (decisions 8).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from penstock.domain.definition.model import Definition
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.decide import decide
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.resting import Run
from penstock.domain.execution.state import Execution, ExecutionState


class Turn(NamedTuple):
    events: tuple[e.ExecutionEvent, ...]
    state: ExecutionState


def turn(
    execution_id: str,
    state: ExecutionState,
    command: c.ExecutionCommand,
    definition: Definition,
    now: datetime,
    target: Definition | None = None,
) -> Turn:
    """
    The events that ``command`` causes, down to where the execution rests, and the state that they lead to.

    ``target`` is the version that a migration goes to.

    Raises:
        Rejected: the command can never succeed in this state; nothing has happened.

    """
    at = Moment(execution_id, definition, now, target)
    run = Run(state, at)
    events = decide(state, command, at)
    if isinstance(state, Execution) and state.unfinished:
        run.look_everywhere()
    for event in events:
        run.record(event)
    run.to_rest()
    return Turn(tuple(run.events), run.state)
