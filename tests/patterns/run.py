"""One execution of a story: what it offers, what happened to it, and what people and workers do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.events import ExecutionEvent
from penstock.messages.records import Task
from tests.patterns.marks import ENDS, MARKS, Mark

if TYPE_CHECKING:
    from tests.patterns.stage import Stage

E = TypeVar("E")


class Run:
    """Its events and tasks are those that were read so far; what is awaited reads on."""

    def __init__(self, stage: Stage, id_: str) -> None:
        self.stage, self.id = stage, id_

    # what was seen

    @property
    def events(self) -> list[ExecutionEvent]:
        return [cast(ExecutionEvent, recorded.event) for recorded in self.stage.watch.events[self.id]]

    @property
    def tasks(self) -> list[Task]:
        """All that were offered, by visit and attempt."""
        return sorted(self.stage.watch.tasks[self.id], key=lambda task: (task.visit, task.attempt))

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def offered(self, step: str) -> list[Task]:
        return [task for task in self.tasks if task.step == step]

    def open(self, step: str) -> list[Task]:
        """The offered tasks of ``step`` whose attempt is neither completed, failed nor withdrawn, by visit."""
        over: set[tuple[int, int]] = set()
        for event in self.events:
            match event:
                case (
                    e.TaskCompleted(visit=visit, attempt=attempt)
                    | e.TaskFailed(visit=visit, attempt=attempt)
                    | e.StepFailed(visit=visit, attempt=attempt)
                ):
                    over.add((visit, attempt))
                case e.StepFailed(visit=visit, attempt=attempt) if attempt:
                    over.add((visit, attempt))
                case e.StepCancelled(visit=visit) | e.StepSkipped(visit=visit):
                    over.update((visit, task.attempt) for task in self.tasks if task.visit == visit)
                case _:
                    pass
        return [task for task in self.offered(step) if (task.visit, task.attempt) not in over]

    def places(self, what: Mark, step: str) -> list[int]:
        """Where in ``events`` the step was entered, left, withdrawn, or failed."""
        kinds = MARKS[what]
        return [n for n, event in enumerate(self.events) if isinstance(event, kinds) and _step(event) == step]

    def count(self, what: Mark, step: str) -> int:
        return len(self.places(what, step))

    @property
    def public_status(self) -> str | None:
        found = (event.status for event in reversed(self.events) if event.status is not None)
        return next(found, None)

    def children(self) -> list[Run]:
        """The executions that this one has started so far, waited for or not, in the order of their starts."""
        started = [event for event in self.events if isinstance(event, e.ChildStarted | e.ChildDetached)]
        names = dict.fromkeys(event.child for event in started)
        return [Run(self.stage, child) for child in names]

    # what is waited for

    async def scheduled(self, step: str, times: int = 1) -> list[Task]:
        """Wait until ``times`` tasks of ``step`` in all were offered: exactly that many. Gives them by visit."""
        await self.stage.enter()
        await self._until(
            lambda: len(self.offered(step)) >= times and self.count("scheduled", step) >= times,
            f"{times} of {step!r} to be offered",
        )
        found = self.offered(step)
        assert len(found) == times, f"expected {times} of {step!r} in all, but got {found}"
        return found

    async def ended(self, outcome: str = "completed") -> Any:
        """Wait for the end, and that nothing comes after it. Gives the output."""
        await self.stage.enter()
        await self._until(lambda: self.public_status in ENDS, f"the end ({outcome})")
        await self.stage.settle()
        last = self.events[-1]
        assert isinstance(last, ENDS[outcome]), f"expected {outcome} at last, but {self._told()}"
        return last.output if isinstance(last, e.ExecutionCompleted) else None

    async def failed(self) -> Failure:
        """Wait until it is parked as failed. Gives the failure."""
        await self.stage.enter()
        await self._until(lambda: self.public_status == "failed", "it to fail")
        return self.of(e.ExecutionFailed)[-1].failure

    async def status(self, status: str) -> None:
        await self.stage.enter()
        await self._until(lambda: self.public_status == status, f"status {status}")

    async def settled(self) -> None:
        """A barrier: everything that was said so far is decided."""
        await self.stage.enter()
        await self.stage.settle()

    async def nothing_of(self, step: str) -> None:
        """A barrier, after which ``step`` was never entered."""
        await self.settled()
        assert not self.places("scheduled", step), f"expected nothing of {step!r}, but {self._told()}"
        assert not self.offered(step)

    # what is done to it

    async def complete(self, step: str, output: Any = None, *, which: int = 0) -> Task:
        """Complete the ``which``-th of the open tasks of ``step`` as its worker; waits until there are so many."""
        await self.stage.enter()
        task = await self._claimed(step, which)
        command = c.CompleteTask(visit=task.visit, attempt=task.attempt, output=output, token=_token(task))
        await self._worked(command, task)
        return task

    async def complete_all(self, step: str, output: Any = None) -> list[Task]:
        """Complete all open tasks of ``step`` at once."""
        await self.stage.enter()
        tasks = self.open(step)
        commands = [c.CompleteTask(visit=task.visit, attempt=task.attempt, output=output) for task in tasks]
        refused = await self.stage.ask_all(commands, self.id)
        assert not any(refused), f"expected all results of {step!r} to be taken, but: {refused}"
        return tasks

    async def fail(self, step: str, code: str, retryable: bool = False, *, which: int = 0) -> Task:
        await self.stage.enter()
        task = await self._claimed(step, which)
        failure = Failure(code=code, message="as it was told", retryable=retryable)
        command = c.FailTask(visit=task.visit, attempt=task.attempt, failure=failure, token=_token(task))
        await self._worked(command, task)
        return task

    async def late(self, task: Task, output: Any = None) -> str:
        """The code with which the completion of a task is refused that nobody wants any more ("": it was taken)."""
        await self.stage.enter()
        return await self.stage.ask(c.CompleteTask(visit=task.visit, attempt=task.attempt, output=output), self.id)

    async def command(self, command: c.ExecutionCommand) -> str:
        """ "" or the code of the refusal."""
        await self.stage.enter()
        return await self.stage.ask(command, self.id)

    def check(self) -> None:
        """The history is whole: no gap, no task twice, no visit completed twice, nothing after the end."""
        recorded = self.stage.watch.events[self.id]
        assert [each.sequence for each in recorded] == list(range(1, len(recorded) + 1))
        assert len({each.id for each in recorded}) == len(recorded)
        scheduled = sorted(_attempt(event) for event in self.of(e.TaskScheduled))
        assert sorted(_attempt(task) for task in self.tasks) == scheduled, "expected each task to be offered once"
        assert len(set(scheduled)) == len(scheduled)
        done = [event.visit for event in self.of(e.TaskCompleted)]
        assert len(set(done)) == len(done), f"expected no visit to be completed twice, but {self._told()}"
        ends = [n for n, event in enumerate(self.events) if isinstance(event, tuple(ENDS.values()))]
        assert ends in ([], [len(recorded) - 1]), f"expected nothing after the end, but {self._told()}"
        for child in self.children():
            child.check()

    async def _claimed(self, step: str, which: int) -> Task:
        await self._until(lambda: len(self.open(step)) > which, f"open task {which} of {step!r}")
        task = self.open(step)[which]
        if task.claim:
            claim = c.ClaimTask(visit=task.visit, attempt=task.attempt, worker="story", token=task.id)
            refused = await self.stage.ask(claim, self.id)
            assert not refused, f"expected {task.id} to be claimed, but: {self.stage.detail}"
        return task

    async def _worked(self, command: c.CompleteTask | c.FailTask, task: Task) -> None:
        refused = await self.stage.ask(command, self.id, f"{task.id}/result")
        assert not refused, f"expected the result of {task.id} to be taken, but: {self.stage.detail}"

    async def _until(self, holds: Any, what: str) -> None:
        await self.stage.watch.until(holds, self.stage.patience, lambda: f"{what}, but {self._told()}")

    def _told(self) -> str:
        return f"{self.id} is {self.public_status}:\n" + "\n".join(f"  {event}" for event in self.events[-40:])


def _step(event: object) -> str | None:
    return getattr(event, "step", None)


def _attempt(of: Task | e.TaskScheduled) -> tuple[int, int]:
    return of.visit, of.attempt


def _token(task: Task) -> str | None:
    return task.id if task.claim else None
