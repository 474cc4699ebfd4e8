"""
How an execution comes to rest: failures find their catches, tokens their steps, scopes their ends, until nothing can
move any more (``docs/semantics.md`` §1).
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec.structs import replace

from penstock.domain.errors import ErrorCode, defective
from penstock.domain.execution import events as e
from penstock.domain.execution.evolve import evolve
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.moving.bodies import settled
from penstock.domain.execution.moving.boundaries import Events, caught
from penstock.domain.execution.moving.consequences import consequences
from penstock.domain.execution.moving.ending import ending, failing, public_status
from penstock.domain.execution.moving.holding import given_back, granted_here
from penstock.domain.execution.moving.tokens import Token, again, lying, move, placed, synchronised
from penstock.domain.execution.state import (
    Compensating,
    Execution,
    ExecutionState,
    FailedStep,
    OpenBlock,
    OpenCopy,
    OpenEach,
    Queued,
)
from penstock.domain.execution.tasks import entry_of
from penstock.domain.steps import table

MAX_EVENTS: Final = 1000
"""A decision is bounded; what is left over goes on in the next one (decisions 10)."""

MAX_BITES: Final = 10
"""Bounded decisions in a row without a task or a timer: more is a loop that never rests."""


class Run:
    """The events of one turn, the state that they lead to so far, and what may move because of them."""

    def __init__(self, state: ExecutionState, at: Moment) -> None:
        self.state, self.at = state, at
        self.events: list[e.ExecutionEvent] = []
        self._ready: deque[Token] = deque()
        self._failed: deque[int] = deque()
        self._scopes: set[int] = set()
        self._retried: set[int] = set()
        self._touched: set[int] = set()
        self._granted: deque[int] = deque()

    def record(self, event: e.ExecutionEvent) -> None:
        before = self.state
        self.state = after = evolve(before, event, self.at.now)
        self.events.append(event)
        if not isinstance(after, Execution):
            return
        self._ready.extend(placed(before, event, after))
        if isinstance(before, Execution):
            self._note(before, event)
            for following in consequences(before, event, after, self.at):
                self.record(following)

    def look_everywhere(self) -> None:
        """After a pause, or where the last decision had to stop: whatever lies there may be able to move."""
        if not isinstance(self.state, Execution):
            return
        self._ready.extend(lying(self.state))
        self._touched.update(self.state.tokens)
        for number, visit in self.state.visits.items():
            match visit:
                case FailedStep():
                    self._failed.append(number)
                case OpenBlock() | OpenEach() | OpenCopy() | Compensating():
                    self._scopes.add(number)
                case Queued() if self.state.locks[number].granted:
                    self._granted.append(number)

    def to_rest(self) -> None:
        """Let everything move that can, then say what the execution has come to."""
        while isinstance(self.state, Execution) and self.state.mode == "running":
            following = self._following(self.state)
            if not following and (self.events or self.state.unfinished):
                following = ending(self.state, self.events, self.at)
            if not following:
                break
            if len(self.events) >= MAX_EVENTS:
                self._bite(self.state)
                break
            for event in following:
                self.record(event)
        self._give_back()
        if isinstance(self.state, Execution) and self.events:
            self._say_status(self.state)

    def _give_back(self) -> None:
        """Also of an execution in which nothing moves: others need not wait for what it does not want any more."""
        state = self.state
        if isinstance(state, Execution) and self.events and not state.unfinished and (state.waits or state.locks):
            for event in given_back(state):
                self.record(event)

    def _note(self, before: Execution, event: e.ExecutionEvent) -> None:
        """What an event may let move beside the tokens that it places."""
        match event:
            case e.TaskScheduled() | e.TaskClaimed():
                return
            case e.TaskCompleted():
                pass
            case e.TaskFailed(retry_at=None, visit=visit) | e.StepFailed(visit=visit) | e.ChildFailed(visit=visit):
                self._failed.append(visit)
            case e.LockGranted(visit=visit):
                self._granted.append(visit)
            case e.ExecutionRetried(visits=visits):
                # each is entered when its turn comes: what the ones before bring about may have withdrawn it
                self._retried.update(visits)
                self.look_everywhere()
            case e.ExecutionResumed() | e.StepRerun():
                self.look_everywhere()
            case (
                e.BlockStarted(visit=visit)
                | e.EachStarted(visit=visit)
                | e.ItemsAdded(visit=visit)
                | e.EachLeft(visit=visit)
                | e.CopyStarted(visit=visit)
                | e.CompensationStarted(visit=visit)
            ):
                self._scopes.add(visit)
        scope: int | None = getattr(event, "scope", None)
        if scope is None:
            left = before.visits.get(getattr(event, "visit", 0))
            scope = left.scope if left is not None else 0
        self._touched.add(scope)
        if scope:
            self._scopes.add(scope)

    def _following(self, state: Execution) -> Events:
        """What moves next, in the order of §1; nothing when everything rests."""
        while self._failed:
            number = self._failed.popleft()
            if taken := caught(state, number, self.at):
                return taken
            if number in self._retried and isinstance(state.visits.get(number), FailedStep):
                self._retried.discard(number)
                return again(state, number, self.at)
        while self._granted:
            number = self._granted.popleft()
            visit = state.visits.get(number)
            if isinstance(visit, Queued) and state.locks[number].granted:
                step = self.at.definition.graph.steps[visit.step]
                return table.enter(step, entry_of(state, number, visit.scope, (), self.at))
        while self._ready:
            if moved := move(state, self._ready.popleft(), self.at):
                return moved
        if (state.waits or state.locks) and (held := given_back(state) or granted_here(state)):
            return held
        while self._scopes:
            deepest = max(self._scopes)
            if over := settled(state, deepest, self.at):
                return over
            self._scopes.discard(deepest)
        if self.at.definition.synchronising and (entered := synchronised(state, self._touched, self.at)):
            return entered
        self._touched.clear()
        return ()

    def _bite(self, state: Execution) -> None:
        """Go on in the next decision, unless too many of them have led to nothing that takes time."""
        if state.bites < MAX_BITES:
            self.record(e.BiteTaken())
            return
        message = f"expected the execution to rest within {MAX_EVENTS * MAX_BITES} automatic steps: a loop never waits"
        for event in failing(state, defective(ErrorCode.LOOP_LIMIT, message), self.at):
            self.record(event)

    def _say_status(self, state: Execution) -> None:
        """A change of the public status stands on the event that made it."""
        if state.mode == "running" and not state.unfinished:
            status = public_status(state)
            if status != state.status:
                self.events[-1] = replace(self.events[-1], status=status)
                self.state = replace(state, status=status)
