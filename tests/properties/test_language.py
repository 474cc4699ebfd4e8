"""
Any sound definition in the whole language, any outcome, order, failure, repetition and interference of operators.

``PENSTOCK_SEEDS`` says how many; a failing one is printed, with what reproduces it.
"""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution.owners import unowned
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import kind_of, mailbox_of, signal_of
from tests.domain.definition.strategies import definitions
from tests.properties.system import System

SEEDS = int(os.environ.get("PENSTOCK_SEEDS", "1000"))
MOVES = st.lists(st.integers(0, 2**20), min_size=8, max_size=60)
CHILD: dict[str, Any] = {
    "id": "child",
    "version": "1.0.0",
    "steps": {"work": {"task": "work", "retry": {"attempts": 2, "backoff": "1s"}}},
}


class Play:
    """A system in which numbers say what happens next."""

    def __init__(self, source: dict[str, Any], seed: int) -> None:
        self.chance = random.Random(seed)
        self.system = System({"random": source, "child": CHILD}, self.chance)
        self.steps = sorted(self.system.published.resolve("random", None).graph.steps)
        self.last: tuple[str, Any] | None = None
        self.messages = 0
        for _ in range(self.chance.randint(1, 3)):
            self.system.start("random")

    def act(self, number: int) -> None:
        action, which = number % 16, number // 16
        match action:
            case 0 | 1 | 2 | 3:
                self.result(which)
            case 4 | 5:
                self.failure(which)
            case 6 | 7:
                self.system.tick(which % 7)
            case 8 | 9 | 10:
                self.system.deliver()
            case 11:
                self.outside(which)
            case 12:
                self.again()
            case _:
                self.operator(which)
        self.system.check()

    def tell(self, subject: str, command: Any) -> None:
        self.last = (subject, command)
        self.system.tell(subject, command)

    def result(self, which: int) -> None:
        if tasks := self.system.open_tasks():
            subject, visit, task = tasks[which % len(tasks)]
            self.tell(subject, c.CompleteTask(visit=visit, attempt=task.attempt, output={"n": which}))

    def failure(self, which: int) -> None:
        if tasks := self.system.open_tasks():
            subject, visit, task = tasks[which % len(tasks)]
            failure = Failure(code="NO" if which % 5 == 0 else "BROKEN", retryable=which % 3 > 0)
            self.tell(subject, c.FailTask(visit=visit, attempt=task.attempt, failure=failure))

    def outside(self, which: int) -> None:
        self.messages += 1
        self.system.deliver_all()
        if which % 2:
            self.system.tell(signal_of("stop"), BroadcastSignal(payload=which))
        else:
            message = SendMessage(message_id=f"m{self.messages}", payload={"amount": which})
            self.system.tell(mailbox_of("paid", self.chance.choice(["k", "n"])), message)

    def again(self) -> None:
        """What came once and changed something changes nothing the second time."""
        if self.last is None or isinstance(self.last[1], (c.RetryExecution, c.AddTask, c.AddItems, c.StartStep)):
            return
        if isinstance(self.last[1], (c.RerunStep, c.CancelStep, c.CompleteStep, c.SkipStep)):
            return  # these mean whatever is open now: their ids tell a repetition apart, which is the engine's part
        before = {subject: len(history) for subject, history in self.system.histories.items()}
        subject = self.last[0]
        self.system.tell(*self.last)
        assert len(self.system.histories[subject]) == before[subject]

    def operator(self, which: int) -> None:
        running = self.system.executions()
        if not running:
            return
        subject, state = running[which % len(running)]
        steps = sorted({visit.step for visit in state.visits.values() if visit.step}) + self.steps
        step = steps[which // 3 % len(steps)]
        commands = (
            c.PauseExecution(),
            c.ResumeExecution(),
            c.ResumeExecution(),
            c.RetryExecution(),
            c.CancelStep(step=step),
            c.CompleteStep(step=step, output=which),
            c.SkipStep(step=step),
            c.RerunStep(step=step),
            c.SetVariables(values={"amount": which % 20}),
            c.AddTask(name="by_hand", task="by-hand"),
            c.AddItems(step=step, items=[1, 2]),
            c.StartStep(step=step),
            c.StartStep(step=self.steps[which // 5 % len(self.steps)]),
            c.CancelExecution() if which % 4 == 0 else c.ResumeExecution(),
        )
        self.tell(subject, commands[which // 7 % len(commands)])

    def check_waits(self) -> None:
        """When nothing is under way between entities, whatever waits has an owner that knows of it."""
        self.system.deliver_all()
        for subject, state in self.system.executions():
            for number, waits in state.waits.items():
                for option, source in waits.sources.items():
                    assert option in waits.confirmed, f"{subject}: wait {number}/{option} at {source} is not confirmed"
                    assert self._knows(source, f"{subject}/{number}/{option}"), f"{source} does not know {number}"
            for number, held in state.locks.items():
                if held.shared:
                    lock = self.system.states[f"lock/{held.lock}"]
                    key = f"{subject}/{held.request or number}"
                    assert (lock.holder is not None and lock.holder.key == key) is held.granted
                    assert held.granted or key in lock.queue
            assert unowned(state, self.system.now) == (), f"{subject}: {state}"

    def _knows(self, source: str, key: str) -> bool:
        state = self.system.states[source]
        if kind_of(source) == "mailbox":
            return key in state.waits
        return any(key in shelf for shelf in state.waits.values())

    def finish(self) -> None:
        """A patient operator, a diligent worker and a clock bring everything to its end."""
        for turn in range(3000):
            self.system.deliver_all()
            running = self.system.executions()
            if not running:
                return
            paused = [s for s, state in running if state.mode == "paused"]
            failed = [s for s, state in running if state.mode == "failed"]
            if paused:
                self.system.tell(paused[0], c.ResumeExecution())
            elif tasks := self.system.open_tasks():
                subject, visit, task = tasks[turn % len(tasks)]
                self.system.tell(subject, c.CompleteTask(visit=visit, attempt=task.attempt, output={"n": 0}))
            elif failed:
                self.retry(failed[0])
            else:
                assert self.system.tick(), f"nothing is due, and nothing can be done: {running}"
        raise AssertionError(f"expected an end, but {self.system.executions()}")

    def retry(self, subject: str) -> None:
        """Failed again at once: what is wrong is the definition or what operators did, not the work."""
        if self.system.tell(subject, c.RetryExecution()) is None:
            state = self.system.states.get(subject)
            if state is None or state.mode != "failed":
                return
        self.system.tell(subject, c.TerminateExecution())

    def check_nothing_left(self) -> None:
        for subject, state in self.system.states.items():
            match kind_of(subject):
                case "mailbox" | "signal":
                    assert not any(state.waits.values() if kind_of(subject) == "signal" else state.waits), subject
                case "lock":
                    assert state.holder is None, subject
                    assert not state.queue, subject


@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(definitions(max_blocks=12), MOVES, st.integers(0, 2**32))
def test_everything_ends_or_waits_for_something_that_exists(
    source: dict[str, Any], moves: list[int], seed: int
) -> None:
    play = Play(source, seed)
    for number in moves:
        play.act(number)
    play.check_waits()
    play.finish()
    play.system.check()
    play.check_nothing_left()
