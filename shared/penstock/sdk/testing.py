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
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from penstock.domain.execution.state import Ended, Execution, ExecutionState
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.rejected import Rejected
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import mailbox_of, signal_of
from penstock.messages.records import Task, task_of
from penstock.messages.registry import NAMES
from penstock.runtime.supervise import Raised, outcome_of_call
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import HandlerInvalid
from penstock.sdk.observed import Entry, Result
from penstock.sdk.sources import Built
from penstock.sdk.task import Handler, Handlers, handlers_of
from penstock.sdk.virtual_loop import VirtualLoop
from penstock.sdk.virtual_world import VirtualWorld
from penstock.sdk.work import arguments_of, call, result_of

__all__ = ["Entry", "Result", "TestRun", "run"]

EXECUTION_ID: Final = "01900000-0000-7000-8000-000000000000"
NEW_YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)

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


class _Told:
    """What is known about one execution."""

    def __init__(self) -> None:
        self.timeline: list[Entry] = []
        self.attempts: list[Task] = []
        self.variables: dict[str, Any] = {}


class TestRun:
    """
    An execution to be led by the hand. Whatever needs no time has happened when a method returns.

    Handlers are functions with ``@task``, their module, or any functions by type of task: stand-ins for example. Sync
    ones run where the test runs. ``workflows`` are the definitions that it calls, and other versions of its own.
    """

    __test__ = False  # no test itself, whatever its name looks like

    def __init__(
        self,
        definition: Source,
        handlers: Handlers,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - what it is called everywhere
        *,
        workflows: Iterable[Source] = (),
        started_at: datetime = NEW_YEAR,
        business_key: str | None = None,
        initiated_by: str = "test",
    ) -> None:
        self.definition = _definition(definition)
        self._handlers = {handler.type: handler for handler in handlers_of(handlers)}
        self._loop, self._started_at = VirtualLoop(), started_at
        known = [*map(_definition, workflows), self.definition]
        self._world = VirtualWorld(known, lambda: self.now, self._observed, self._work)
        self._told: dict[str, _Told] = {EXECUTION_ID: _Told()}
        self._running: dict[str, _Running] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._messages = 0
        self._finishing = False
        self._error: BaseException | None = None
        start = c.StartExecution(
            definition=self.definition.id,
            version=self.definition.version,
            input=_plain(dict(input or {})),
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
        return self._result(EXECUTION_ID)

    @property
    def children(self) -> dict[str, Result]:
        """What has become of the executions that it called, and of those that they called, by id."""
        return {id_: self._result(id_) for id_ in self._told if id_ != EXECUTION_ID}

    @property
    def status(self) -> e.Status:
        return self.result.status

    @property
    def open_steps(self) -> list[str]:
        """Steps in which the execution is now."""
        state = self._world.execution(EXECUTION_ID)
        return [visit.step for visit in state.visits.values()] if isinstance(state, Execution) else []

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

    def send_message(
        self,
        name: str,
        key: str,
        payload: Any = None,
        *,
        ttl: timedelta | None = None,
        id: str | None = None,  # noqa: A002 - as the client calls it
    ) -> Result:
        """Send a message to the first that waits for ``name`` and ``key``, or to the next one that will."""
        self._messages += 1
        seconds = ttl.total_seconds() if ttl is not None else None
        message = SendMessage(message_id=id or f"message-{self._messages}", payload=_plain(payload), ttl=seconds)
        return self._ask(message, mailbox_of(name, key))

    def broadcast(self, name: str, payload: Any = None) -> Result:
        """Reach whatever waits for the signal ``name`` now."""
        return self._ask(BroadcastSignal(payload=_plain(payload)), signal_of(name))

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

    def cancel_step(self, step: str, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.CancelStep(step=step, reason=reason, by=by))

    def complete_step(self, step: str, output: Any = None, by: str = "test") -> Result:
        return self._ask(c.CompleteStep(step=step, output=_plain(output), by=by))

    def skip_step(self, step: str, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.SkipStep(step=step, reason=reason, by=by))

    def rerun_step(self, step: str, reason: str = "", by: str = "test") -> Result:
        return self._ask(c.RerunStep(step=step, reason=reason, by=by))

    def start_step(self, step: str, by: str = "test") -> Result:
        return self._ask(c.StartStep(step=step, by=by))

    def add_items(self, step: str, items: Iterable[Any], by: str = "test") -> Result:
        return self._ask(c.AddItems(step=step, items=_plain(list(items)), by=by))

    def add_task(self, name: str, task: str, input: Any = None, by: str = "test") -> Result:  # noqa: A002
        return self._ask(c.AddTask(name=name, task=task, input=_plain(input), by=by))

    def set_variables(self, values: Mapping[str, Any], by: str = "test") -> Result:
        return self._ask(c.SetVariables(values=_plain(dict(values)), by=by))

    def migrate(self, version: str, by: str = "test") -> Result:
        """Go on by another version, which is one of the ``workflows``."""
        return self._ask(c.MigrateExecution(version=version, by=by))

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

    def _ask(self, command: Any, subject: str = EXECUTION_ID) -> Result:
        self._tell(subject, command)
        self._drive(lambda: self._loop.run_to(self._loop.now))
        return self.result

    def _tell(self, subject: str, command: Any) -> None:
        self._world.tell(subject, command)
        self._set_timer()
        if self._finishing and self._over():
            self._loop.stop()

    def _observed(self, execution: str, event: Any) -> None:
        told = self._told.setdefault(execution, _Told())
        what = NAMES[type(event)].split(".")[1]
        told.timeline.append(Entry(timedelta(seconds=self._loop.now), what, getattr(event, "step", None), event))
        state = self._world.execution(execution)
        if isinstance(state, Execution):
            told.variables = state.variables

    def _result(self, execution: str) -> Result:
        told, state = self._told[execution], self._world.execution(execution)
        return Result(
            status=next((t.event.status for t in reversed(told.timeline) if t.event.status is not None), "running"),
            output=state.output if isinstance(state, Ended) else None,
            failure=_failure(state, told.timeline),
            variables=told.variables,
            timeline=tuple(told.timeline),
            attempts=tuple(told.attempts),
        )

    def _over(self) -> bool:
        state = self._world.execution(EXECUTION_ID)
        return isinstance(state, Ended) or (isinstance(state, Execution) and state.mode == "failed")

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        dues = self._world.dues(self._beats())
        if dues:
            seconds = (min(dues.values()) - self._started_at).total_seconds()
            self._timer = self._loop.call_at(max(seconds, self._loop.now), self._fire)

    def _fire(self) -> None:
        """Whatever is due: what was due first comes first."""
        now, beats = self.now, self._beats()
        dues = sorted((due, subject) for subject, due in self._world.dues(beats).items() if due <= now)
        for _, subject in dues:
            self._guarded(subject, c.FireTimers(beats=beats.get(subject, {})))
        if not dues:
            self._set_timer()

    def _beats(self) -> dict[str, dict[int, datetime]]:
        """A handler that runs shows that it lives."""
        beats: dict[str, dict[int, datetime]] = {}
        for running in self._running.values():
            if running.task.heartbeat:
                beats.setdefault(running.task.execution_id, {})[running.task.visit] = self.now
        return beats

    def _guarded(self, subject: str, command: c.ExecutionCommand) -> None:
        """From the loop: what goes wrong is the caller's to hear."""
        outcome = outcome_of_call(self._tell, {"subject": subject, "command": command})
        if isinstance(outcome, Raised) and not isinstance(outcome.error, Rejected):  # a result that came too late
            self._fall(outcome.error)

    def _fall(self, error: BaseException) -> None:
        self._error = self._error or error
        self._loop.stop()

    def _work(self, effect: DispatchTask | WithdrawTask) -> None:
        if isinstance(effect, WithdrawTask):
            running = self._running.pop(effect.task_id, None)
            if running is not None:
                running.attempt.cancel()
            return
        task = task_of(effect, self.now)
        handler = self._handlers.get(task.task)
        self._told[task.execution_id].attempts.append(task)
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

    async def _attempt(self, task: Task, handler: Handler) -> None:
        to, token = task.execution_id, task.id if task.claim else None
        if token is not None:
            self._guarded(to, c.ClaimTask(visit=task.visit, attempt=task.attempt, worker="test", token=token))
        limit = task.timeout
        deadline = self.now + timedelta(seconds=limit) if limit is not None else None
        arguments = arguments_of(handler, task, TaskContext(task, deadline, None))
        given = arguments if isinstance(arguments, Failure) else await call(handler, arguments, limit)
        self._running.pop(task.id, None)
        result = result_of(given)
        if isinstance(result, Failure):
            self._guarded(to, c.FailTask(visit=task.visit, attempt=task.attempt, failure=result, token=token))
        else:
            self._guarded(to, c.CompleteTask(visit=task.visit, attempt=task.attempt, output=result, token=token))

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


def _failure(state: ExecutionState, timeline: Sequence[Entry]) -> Failure | None:
    if not (isinstance(state, Execution) and state.mode == "failed"):
        return None
    return next((t.event.failure for t in reversed(timeline) if isinstance(t.event, e.ExecutionFailed)), None)


def _plain(value: Any) -> Any:
    """As it comes out of the JSON in which callers send it."""
    return msgspec.json.decode(msgspec.json.encode(value))


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
