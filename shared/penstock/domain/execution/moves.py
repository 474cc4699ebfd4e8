"""Where tokens go by themselves: into the next step, or nowhere yet."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.state import Execution, ExecutionState
from penstock.domain.steps import table
from penstock.domain.steps.entry import Entry

Token = tuple[int, str]
"""A scope and the transition on which the token lies."""


def move(state: Execution, token: Token, at: Moment) -> e.ExecutionEvent | None:
    """The event by which the token enters its step; None while a join waits for others, or the token has gone."""
    scope, transition = token
    lying = state.tokens.get(scope, {})
    if not lying.get(transition):
        return None
    step = at.definition.graph.steps[at.definition.targets[transition]]
    consumed: tuple[str, ...] = (transition,)
    if step.join == "all":
        if not all(lying.get(incoming) for incoming in step.incoming):
            return None
        consumed = step.incoming
    return table.enter(
        step,
        Entry(
            visit=state.next_visit,
            scope=scope,
            consumed=consumed,
            now=at.now,
            variables=state.variables,
            names=at.names(state),
        ),
    )


def placed(before: ExecutionState, event: e.ExecutionEvent, after: ExecutionState) -> Iterator[Token]:
    """The tokens that may be able to move because of ``event``."""
    match event:
        case e.ExecutionStarted(taken=taken):
            yield from ((0, transition) for transition in taken)
        case e.TaskCompleted(visit=visit, taken=taken) | e.TimerFired(visit=visit, taken=taken):
            scope = before.visits[visit].scope if isinstance(before, Execution) else 0
            yield from ((scope, transition) for transition in taken)
        case e.StepPassed(scope=scope, taken=taken):
            yield from ((scope, transition) for transition in taken)
        case e.ExecutionResumed() | e.ExecutionRetried() if isinstance(after, Execution):
            yield from lying(after)
        case _:
            pass


def lying(state: Execution) -> Iterator[Token]:
    """Every token of the execution, as often as it lies there."""
    for scope, transitions in state.tokens.items():
        for transition, count in transitions.items():
            yield from ((scope, transition),) * count
