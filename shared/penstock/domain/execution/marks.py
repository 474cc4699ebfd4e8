"""What the events of an execution did to the steps and transitions of its definition: what a picture shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, get_args

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


_STATES: Final[dict[type[e.ExecutionEvent], StepState | None]] = {
    e.TaskScheduled: "open",
    e.BlockStarted: "open",
    e.EachStarted: "open",
    e.ChildStarted: "open",
    e.CompensationStarted: "open",
    e.TimerStarted: "waiting",
    e.ListeningStarted: "waiting",
    e.LockRequested: "waiting",
    e.StepFailed: "failed",
    e.ChildFailed: "failed",
    e.TaskCompleted: "done",
    e.TimerFired: "done",
    e.StepPassed: "done",
    e.MessageSent: "done",
    e.SignalSent: "done",
    e.EscalationRaised: "done",
    e.ChildDetached: "done",
    e.MessageReceived: "done",
    e.SignalReceived: "done",
    e.BlockCompleted: "done",
    e.EachCompleted: "done",
    e.ChildCompleted: "done",
    e.CompensationCompleted: "done",
    e.StepSkipped: "done",
    e.TaskFailed: None,
    e.StepCancelled: None,
    **dict.fromkeys(get_args(e.LifeEvent)),
    e.TaskClaimed: None,
    e.TokensWithdrawn: None,
    e.BranchArrived: None,
    e.BoundaryTriggered: None,
    e.StepOffered: None,
    e.StepRerun: None,
    e.LockGranted: None,
    e.LockFreed: None,
    e.WaitsOpened: None,
    e.WaitConfirmed: None,
    e.WaitsClosed: None,
    e.ItemsAdded: None,
    e.CopyStarted: None,
    e.CopyCompleted: None,
    e.EachLeft: None,
}
"""What an event says about the step of its visit; None where it says nothing, or where that depends."""


@dataclass(slots=True)
class _Trail:
    """A visit keeps its number through attempts and retries, so that none is counted twice."""

    status: str = ""
    visits: dict[int, tuple[str, StepState]] = field(default_factory=dict)
    undoing: set[int] = field(default_factory=set)
    taken: Counter[str] = field(default_factory=Counter)
    lying: Counter[str] = field(default_factory=Counter)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)

    def follow(self, event: e.ExecutionEvent) -> None:
        self.status = event.status or self.status
        match event:
            case e.TaskScheduled(visit=visit, undoes=int()):
                self.undoing.add(visit)
            case e.StepCancelled():
                self._withdraw(event)
            case e.TaskFailed(visit=visit) if visit not in self.undoing:
                self.visits[visit] = (event.step, "waiting" if event.retry_at else "failed")
            case e.ExecutionCompleted() | e.ExecutionCancelled() | e.ExecutionTerminated():
                self.lying.clear()
            case _ if getattr(event, "visit", None) not in self.undoing:
                self._go_on(event)

    def _go_on(self, event: e.ExecutionEvent) -> None:
        taken: tuple[str, ...] = getattr(event, "taken", ())
        self.lying.subtract(getattr(event, "consumed", ()))
        self.taken.update(taken)
        self.lying.update(taken)
        state = _STATES[type(event)]
        if state is None:
            return
        step: str = getattr(event, "step", "")
        self.visits[getattr(event, "visit", 0)] = (step, state)
        if state == "done" and not taken:
            held = next((one.expression for one in getattr(event, "evaluations", ()) if one.result), "")
            self.ended[step, held] += 1

    def marks(self) -> Marks:
        return Marks(
            status=self.status,
            steps={step: _mark(states) for step, states in sorted(self._by_step().items())},
            taken=dict(sorted(self.taken.items())),
            lying={transition: count for transition, count in sorted(self.lying.items()) if count > 0},
            ended=dict(sorted(self.ended.items())),
        )

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
