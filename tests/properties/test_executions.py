"""Any sound definition of the spine (workers and a clock alone), any order of results, failures, pauses and repeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution.events import ExecutionEvent
from penstock.domain.execution.evolve import evolve, fold
from penstock.domain.execution.state import (
    Ended,
    Execution,
    ExecutionState,
    FailedStep,
    NotStarted,
    OpenTask,
    due_at,
)
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected
from tests.domain.definition.strategies import SPINE, definitions
from tests.domain.execution.story import ID, NOON

ACTIONS = st.lists(st.integers(0, 2**16), max_size=40)
EXAMPLES = 300


class Run:
    """An execution, driven by numbers."""

    def __init__(self, source: dict[str, Any]) -> None:
        graph = compile_definition(source)
        self.definition = Definition(graph, digest_of(graph))
        self.state: ExecutionState = NotStarted()
        self.now = NOON
        self.history: list[tuple[ExecutionEvent, Any]] = []
        self.last: c.ExecutionCommand = c.StartExecution(definition=graph.id)
        self.tell(self.last)

    def tell(self, command: c.ExecutionCommand) -> bool:
        self.last = command
        try:
            events, after = turn(ID, self.state, command, self.definition, self.now)
        except Rejected:
            return False
        for event in events:
            assert msgspec.json.decode(msgspec.json.encode(event), type=type(event)) == event
            self.state = evolve(self.state, event, self.now)
        assert self.state == after
        self.history += [(event, self.now) for event in events]
        self.check_rest()
        return bool(events)

    def act(self, number: int) -> None:
        action, which = number % 8, number // 8
        match action:
            case 0 | 1 | 2:
                self.result(which)
            case 3:
                self.failure(which)
            case 4:
                self.clock()
            case 5:
                self.tell(c.PauseExecution())
            case 6:
                self.tell(c.ResumeExecution())
            case _:
                assert not self.tell(self.last) or isinstance(self.last, c.FireTimers | c.RetryExecution)

    def result(self, which: int) -> None:
        if tasks := self.open_tasks():
            visit, task = tasks[which % len(tasks)]
            self.tell(c.CompleteTask(visit=visit, attempt=task.attempt, output={"n": which}))

    def failure(self, which: int) -> None:
        if tasks := self.open_tasks():
            visit, task = tasks[which % len(tasks)]
            failure = Failure(code="BROKEN", retryable=which % 3 > 0)
            self.tell(c.FailTask(visit=visit, attempt=task.attempt, failure=failure))

    def clock(self) -> None:
        due = due_at(self.state)
        if due is not None:
            self.now = max(self.now, due)
            self.tell(c.FireTimers())

    def open_tasks(self) -> list[tuple[int, OpenTask]]:
        if not isinstance(self.state, Execution):
            return []
        return [(n, v) for n, v in sorted(self.state.visits.items()) if isinstance(v, OpenTask)]

    def check_rest(self) -> None:
        """Whatever is open waits for something that exists, and no token lies where it could move."""
        state = self.state
        if not isinstance(state, Execution) or state.mode == "paused":
            return
        assert due_at(state) is not None or self.open_tasks()
        if state.mode == "failed" or state.unfinished:
            return
        assert not any(isinstance(visit, FailedStep) for visit in state.visits.values())
        for lying in state.tokens.values():
            for transition in lying:
                step = self.definition.graph.steps[self.definition.targets[transition]]
                assert step.join == "all"
                assert not all(lying.get(incoming) for incoming in step.incoming)

    def finish(self) -> None:
        """A patient operator and a diligent worker bring it to its end."""
        for _ in range(2000):
            match self.state:
                case Ended():
                    return
                case Execution(mode="paused"):
                    self.tell(c.ResumeExecution())
                case Execution(mode="failed"):
                    if not self.tell(c.RetryExecution()) or (isinstance(self.state, Execution) and self.stuck()):
                        self.tell(c.TerminateExecution())
                case _ if self.open_tasks():
                    self.result(0)
                case _:
                    self.now += timedelta(seconds=1)
                    self.clock()
        raise AssertionError(f"expected an end, but {self.state}")

    def stuck(self) -> bool:
        """Failed again at once: what is wrong is the definition, not the work."""
        return isinstance(self.state, Execution) and self.state.mode == "failed"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(constructs=SPINE), ACTIONS)
def test_every_execution_ends_and_its_history_says_how(source: dict[str, Any], actions: list[int]) -> None:
    run = Run(source)
    for number in actions:
        run.act(number)
        assert fold(run.history) == run.state
    run.finish()
    assert isinstance(run.state, Ended)
    assert fold(run.history) == run.state


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(constructs=SPINE), ACTIONS)
def test_the_same_commands_at_the_same_times_give_the_same_events(source: dict[str, Any], actions: list[int]) -> None:
    first, second = Run(source), Run(source)
    for number in actions:
        first.act(number)
        second.act(number)
    assert first.history == second.history


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(constructs=SPINE), ACTIONS, st.integers(0, 40))
def test_a_cancelled_execution_leaves_nothing_open(source: dict[str, Any], actions: list[int], when: int) -> None:
    run = Run(source)
    for number in actions[:when]:
        run.act(number)
    if isinstance(run.state, Execution):
        run.tell(c.TerminateExecution())
    assert isinstance(run.state, Ended)
    assert not run.tell(c.TerminateExecution())
