"""
One turn: decide, evolve, and let the tokens move until the execution rests. The engine, the test kit and the simulation
all run this function (decisions 8).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from penstock.domain.definition.model import Definition
from penstock.domain.errors import ErrorCode, Failure, StepFailure, defective
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.decide import decide
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.failed import execution_failed
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moves import Token, lying, move, placed
from penstock.domain.execution.names import render
from penstock.domain.execution.state import Execution, ExecutionState, FailedStep, OpenTimer

MAX_EVENTS: Final = 1000
"""A decision is bounded; what is left over goes on in the next one (decisions 10)."""

MAX_BITES: Final = 10
"""Bounded decisions in a row without a task or a timer: more is a loop that never rests."""


class Turn(NamedTuple):
    events: tuple[e.ExecutionEvent, ...]
    state: ExecutionState


def turn(
    execution_id: str, state: ExecutionState, command: c.ExecutionCommand, definition: Definition, now: datetime
) -> Turn:
    """
    The events that ``command`` causes, down to where the execution rests, and the state that they lead to.

    Raises:
        Rejected: the command can never succeed in this state; nothing has happened.

    """
    at = Moment(execution_id, definition, now)
    run = _Run(state, at)
    if isinstance(command, c.FireTimers) and isinstance(state, Execution) and state.unfinished:
        run.ready.extend(lying(state))
    for event in decide(state, command, at):
        run.record(event)
    run.to_rest()
    return Turn(tuple(run.events), run.state)


class _Run:
    """The events of one turn and the state that they lead to so far."""

    def __init__(self, state: ExecutionState, at: Moment) -> None:
        self.state, self.at = state, at
        self.events: list[e.ExecutionEvent] = []
        self.ready: deque[Token] = deque()

    def record(self, event: e.ExecutionEvent) -> None:
        before = self.state
        self.state = evolve(before, event, self.at.now)
        self.events.append(event)
        self.ready.extend(placed(before, event, self.state))

    def to_rest(self) -> None:
        while self.ready and isinstance(self.state, Execution) and self.state.mode == "running":
            if len(self.events) >= MAX_EVENTS:
                self._bite(self.state)
                break
            event = move(self.state, self.ready.popleft(), self.at)
            if event is not None:
                self.record(event)
        if isinstance(self.state, Execution) and self.events:
            self._settle(self.state)

    def _bite(self, state: Execution) -> None:
        if state.bites < MAX_BITES:
            self.record(e.BiteTaken())
            return
        message = f"expected the execution to rest within {MAX_EVENTS * MAX_BITES} automatic steps: a loop never waits"
        self.record(execution_failed(defective(ErrorCode.LOOP_LIMIT, message), self.at))

    def _settle(self, state: Execution) -> None:
        """Say what the execution has come to: ended, failed, or a public status."""
        if state.mode == "running" and not state.unfinished:
            ending = _ending(state, self.events, self.at)
            if ending is not None:
                self.record(ending)
                return
            status: e.Status = "waiting" if _only_waits(state) else "running"
            if status != state.status:
                self.events[-1] = replace(self.events[-1], status=status)
                self.state = replace(state, status=status)


def _ending(state: Execution, events: list[e.ExecutionEvent], at: Moment) -> e.ExecutionEvent | None:
    for number, visit in state.visits.items():
        if isinstance(visit, FailedStep):
            return execution_failed(visit.failure, at, visit.step, number)
    if state.visits:
        return None
    if state.tokens:
        return execution_failed(_unreachable(state, at), at)
    try:
        output = _output(state, events, at)
    except StepFailure as error:
        return execution_failed(error.failure, at)
    return e.ExecutionCompleted(output=output, status="completed")


def _output(state: Execution, events: list[e.ExecutionEvent], at: Moment) -> object:
    """What the definition says, else the output of the task that ended the execution."""
    template = at.definition.graph.output
    if template is not None:
        return render(template, at.names(state), "output")
    last = events[-1]
    return last.output if isinstance(last, e.TaskCompleted) else None


def _unreachable(state: Execution, at: Moment) -> Failure:
    waiting = sorted({at.definition.targets[t] for lying_here in state.tokens.values() for t in lying_here})
    message = (
        f"expected the joins {', '.join(waiting)} to be reached on every way in, but nothing is under way any more"
    )
    return defective(ErrorCode.JOIN_UNREACHABLE, message)


def _only_waits(state: Execution) -> bool:
    return all(isinstance(visit, OpenTimer) for visit in state.visits.values())
