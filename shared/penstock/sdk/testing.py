"""
Runs a definition with its handlers in a unit test: no server, and in virtual time. It is the engine's own turn that
decides, so a test sees what production will see.

    result = run(definition, [charge_card, ship], {"amount": 20})
    assert result.status == "completed"
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias

import msgspec

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.model import Definition, Graph
from penstock.domain.definition.read import read_definition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import DispatchTask, WithdrawTask
from penstock.domain.execution.react import react
from penstock.domain.execution.state import Ended, Execution, ExecutionState, NotStarted, due_at
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected
from penstock.messages.records import Task, task_of
from penstock.messages.registry import NAMES
from penstock.runtime.supervise import Raised, outcome_of_call
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import HandlerInvalid
from penstock.sdk.observed import Entry, Result
from penstock.sdk.sources import Built
from penstock.sdk.task import Handler, Handlers, handlers_of
from penstock.sdk.virtual_loop import VirtualLoop
from penstock.sdk.work import arguments_of, call, result_of

__all__ = ["Entry", "Result", "TestRun", "run"]

EXECUTION_ID: Final = "01900000-0000-7000-8000-000000000000"
NEW_YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)
MAX_TURNS: Final = 100_000

Source: TypeAlias = Definition | Graph | Built | Mapping[str, Any] | str | Path
"""A definition as a value, built in Python, as text (YAML or JSON), or in a file."""


class _Running(NamedTuple):
    task: Task
    attempt: asyncio.Task[None]


def run(definition: Source, handlers: Handlers, input: Mapping[str, Any] | None = None, **options: Any) -> Result:  # noqa: A002
    """
    What becomes of an execution that nobody disturbs: it ends, fails, or waits for what never comes.

    Raises:
        DefinitionInvalid: the definition means nothing.
        Rejected: the input does not fit the definition.
        HandlerInvalid: a task has no handler.

    """
    with TestRun(definition, handlers, input, **options) as execution:
        return execution.finish()


class TestRun:
    """
    An execution to be led by the hand. Whatever needs no time has happened when a method returns.

    Handlers are functions with ``@task``, their module, or any functions by type of task: stand-ins for example. Sync
    ones run where the test runs.
    """

    __test__ = False  # no test itself, whatever its name looks like

    def __init__(
        self,
        definition: Source,
        handlers: Handlers,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - what it is called everywhere
        *,
        started_at: datetime = NEW_YEAR,
        business_key: str | None = None,
        initiated_by: str = "test",
    ) -> None:
        self.definition = _definition(definition)
        self._handlers = {handler.type: handler for handler in handlers_of(handlers)}
        self._loop, self._started_at = VirtualLoop(), started_at
        self._state: ExecutionState = NotStarted()
        self._variables: dict[str, Any] = {}
        self._timeline: list[Entry] = []
        self._attempts: list[Task] = []
        self._running: dict[str, _Running] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turns = 0
        self._finishing = False
        self._error: BaseException | None = None
        start = c.StartExecution(
            definition=self.definition.id,
            input=msgspec.json.decode(msgspec.json.encode(dict(input or {}))),
            business_key=business_key,
            initiated_by=initiated_by,
        )
        try:
            self._ask(start)
        except BaseException:
            self.close()
            raise

    @property
    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=self._loop.now)

    @property
    def result(self) -> Result:
        """What has become of it so far."""
        return Result(
            status=next((t.event.status for t in reversed(self._timeline) if t.event.status is not None), "running"),
            output=self._state.output if isinstance(self._state, Ended) else None,
            failure=self._failure(),
            variables=self._variables,
            timeline=tuple(self._timeline),
            attempts=tuple(self._attempts),
        )

    @property
    def status(self) -> e.Status:
        return self.result.status

    @property
    def open_steps(self) -> list[str]:
        """Steps in which the execution is now."""
        return [v.step for v in self._state.visits.values()] if isinstance(self._state, Execution) else []

    def advance(self, by: timedelta) -> Result:
        """Let time pass, and whatever is due in it happen."""
        self._drive(lambda: self._loop.run_to(self._loop.now + by.total_seconds()))
        return self.result

    def finish(self) -> Result:
        """Let as much time pass as it takes until the execution ends, fails, or waits for what never comes."""
        self._finishing = True
        if not self._over():
            self._drive(lambda: self._loop.run_to(math.inf))
        self._finishing = False
        return self.result

    def pause(self, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.PauseExecution(reason=reason, by=by))

    def resume(self, by: str = "test") -> Result:
        return self._ask(c.ResumeExecution(by=by))

    def cancel(self, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.CancelExecution(reason=reason, by=by))

    def terminate(self, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.TerminateExecution(reason=reason, by=by))

    def retry(self, by: str = "test") -> Result:
        """Try the failed steps of a failed execution again."""
        return self._ask(c.RetryExecution(by=by))

    def close(self) -> None:
        """Stop what still runs."""
        for running in self._running.values():
            running.attempt.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if not self._loop.is_closed():
            self._drive(lambda: self._loop.run_to(self._loop.now))
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, command: c.ExecutionCommand) -> Result:
        self._apply(command)
        self._drive(lambda: self._loop.run_to(self._loop.now))
        return self.result

    def _apply(self, command: c.ExecutionCommand) -> None:
        self._turns += 1
        if self._turns > MAX_TURNS:
            raise AssertionError(f"expected the execution to end within {MAX_TURNS} turns: {self.open_steps}")
        events, self._state = turn(EXECUTION_ID, self._state, command, self.definition, self.now)
        if isinstance(self._state, Execution):
            self._variables = self._state.variables
        for event in events:
            what = NAMES[type(event)].split(".")[1]
            step = getattr(event, "step", None)
            self._timeline.append(Entry(timedelta(seconds=self._loop.now), what, step, event))
            for effect in react(EXECUTION_ID, event):
                if isinstance(effect, DispatchTask):
                    self._dispatch(effect)
                elif isinstance(effect, WithdrawTask):
                    self._withdraw(effect)
        self._set_timer()
        if self._finishing and self._over():
            self._loop.stop()

    def _failure(self) -> Failure | None:
        if not (isinstance(self._state, Execution) and self._state.mode == "failed"):
            return None
        failures = (t.event.failure for t in reversed(self._timeline) if isinstance(t.event, e.ExecutionFailed))
        return next(failures, None)

    def _over(self) -> bool:
        return isinstance(self._state, Ended) or (isinstance(self._state, Execution) and self._state.mode == "failed")

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = due_at(self._state, self._beats())
        if due is not None:
            seconds = (due - self._started_at).total_seconds()
            self._timer = self._loop.call_at(max(seconds, self._loop.now), self._guarded, c.FireTimers())

    def _beats(self) -> dict[int, datetime]:
        """A handler that runs shows that it lives."""
        return {r.task.visit: self.now for r in self._running.values() if r.task.heartbeat}

    def _guarded(self, command: c.ExecutionCommand) -> None:
        """From the loop: what goes wrong is the caller's to hear."""
        if isinstance(command, c.FireTimers):
            command = c.FireTimers(beats=self._beats())
        outcome = outcome_of_call(self._apply, {"command": command})
        if isinstance(outcome, Raised) and not isinstance(outcome.error, Rejected):  # a result that came too late
            self._fall(outcome.error)

    def _fall(self, error: BaseException) -> None:
        self._error = self._error or error
        self._loop.stop()

    def _dispatch(self, effect: DispatchTask) -> None:
        task = task_of(effect, self.now)
        handler = self._handlers.get(task.task)
        self._attempts.append(task)
        if handler is None:
            raise HandlerInvalid(
                f"expected a handler for tasks of type {task.task!r} (step {task.step!r}), but there are only "
                f"{sorted(self._handlers)}"
            )
        attempt = self._loop.create_task(self._attempt(task, handler))
        attempt.add_done_callback(self._ended)
        self._running[task.id] = _Running(task, attempt)

    def _ended(self, attempt: asyncio.Task[None]) -> None:
        if not attempt.cancelled() and (error := attempt.exception()) is not None:
            self._fall(error)

    def _withdraw(self, effect: WithdrawTask) -> None:
        running = self._running.pop(effect.task_id, None)
        if running is not None:
            running.attempt.cancel()

    async def _attempt(self, task: Task, handler: Handler) -> None:
        token = task.id if task.claim else None
        if token is not None:
            self._guarded(c.ClaimTask(visit=task.visit, attempt=task.attempt, worker="test", token=token))
        limit = task.timeout
        deadline = self.now + timedelta(seconds=limit) if limit is not None else None
        arguments = arguments_of(handler, task, TaskContext(task, deadline, None))
        given = arguments if isinstance(arguments, Failure) else await call(handler, arguments, limit)
        self._running.pop(task.id, None)
        result = result_of(given)
        if isinstance(result, Failure):
            self._guarded(c.FailTask(visit=task.visit, attempt=task.attempt, failure=result, token=token))
        else:
            self._guarded(c.CompleteTask(visit=task.visit, attempt=task.attempt, output=result, token=token))

    def _drive(self, run_loop: Callable[[], None]) -> None:
        """Run the loop; in a thread of its own where the test has a loop itself."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            run_loop()
        else:
            thread = threading.Thread(target=run_loop)
            thread.start()
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error


def _definition(source: Source) -> Definition:
    if isinstance(source, Definition):
        return source
    if isinstance(source, Path):
        source = read_definition(source.read_text(encoding="utf-8"), source.name).value
    elif isinstance(source, str):
        source = read_definition(source).value
    elif isinstance(source, Built):
        source = source.to_dict()
    graph = source if isinstance(source, Graph) else compile_definition(source)
    return Definition(graph, digest_of(graph))
