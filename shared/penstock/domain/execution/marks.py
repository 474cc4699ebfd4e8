"""What the events of an execution did to the steps and transitions of its definition: what a picture shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from penstock.domain.definition.picture import Marks, StepMark, StepState
from penstock.domain.execution import events as e

_OPEN_FIRST: tuple[StepState, ...] = ("failed", "open", "waiting")
"""What a step with several open visits is called: what needs somebody goes first."""


def marks_of(events: Iterable[e.ExecutionEvent]) -> Marks:
    """
    The marks that a history, from its first event on, leaves.

    A beginning of a history has those of that time. A failed step stays failed when its execution is ended by order.
    """
    trail = _Trail()
    for event in events:
        trail.follow(event)
    return trail.marks()


@dataclass(slots=True)
class _Trail:
    """A visit keeps its number through attempts and retries, so that none is counted twice."""

    status: str = ""
    visits: dict[int, tuple[str, StepState]] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    lying: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)

    def follow(self, event: e.ExecutionEvent) -> None:
        self.status = event.status or self.status
        match event:
            case e.ExecutionStarted():
                self._put(event.taken)
            case e.TaskScheduled():
                self._enter(event, "open")
            case e.TimerStarted():
                self._enter(event, "waiting")
            case e.StepFailed():
                self._enter(event, "failed")
            case e.StepPassed():
                self._enter(event, "done")
                self._leave(event)
            case e.TaskCompleted() | e.TimerFired():
                self._leave(event)
            case e.TaskFailed():
                self.visits[event.visit] = (event.step, "waiting" if event.retry_at else "failed")
            case e.StepCancelled():
                self._withdraw(event)
            case e.ExecutionCompleted() | e.ExecutionCancelled() | e.ExecutionTerminated():
                self.lying.clear()
            case e.TaskClaimed() | e.BiteTaken():
                pass
            case e.ExecutionPaused() | e.ExecutionResumed() | e.ExecutionFailed() | e.ExecutionRetried():
                pass
            case _:
                assert_never(event)

    def marks(self) -> Marks:
        return Marks(
            status=self.status,
            steps={step: _mark(states) for step, states in sorted(self._by_step().items())},
            taken=dict(sorted(self.taken.items())),
            lying={transition: count for transition, count in sorted(self.lying.items()) if count > 0},
            ended=dict(sorted(self.ended.items())),
        )

    def _put(self, taken: tuple[str, ...]) -> None:
        self.taken.update(taken)
        self.lying.update(taken)

    def _enter(self, event: e.TaskScheduled | e.TimerStarted | e.StepFailed | e.StepPassed, state: StepState) -> None:
        self.lying.subtract(event.consumed)
        self.visits[event.visit] = (event.step, state)

    def _leave(self, event: e.TaskCompleted | e.TimerFired | e.StepPassed) -> None:
        self.visits[event.visit] = (event.step, "done")
        self._put(event.taken)
        if not event.taken:
            held = next((one.expression for one in event.evaluations if one.result), "")
            self.ended[event.step, held] += 1

    def _withdraw(self, event: e.StepCancelled) -> None:
        step, state = self.visits.get(event.visit, (event.step, "open"))
        self.visits[event.visit] = (step, "failed" if state == "failed" else "cancelled")

    def _by_step(self) -> dict[str, list[StepState]]:
        found: dict[str, list[StepState]] = {}
        for _, (step, state) in sorted(self.visits.items()):
            found.setdefault(step, []).append(state)
        return found


def _mark(states: list[StepState]) -> StepMark:
    """Of the visits of a step in their order; a step that was entered again and is open is not done."""
    state = next((one for one in _OPEN_FIRST if one in states), states[-1])
    return StepMark(state=state, visits=len(states), finished=states.count("done"))
