"""Decisions about the attempts of a task: claimed, alive, completed, failed, tried again."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from penstock.domain.definition.model import BlockStep, Retry, TaskStep, Undo, WorkflowStep
from penstock.domain.errors import Failure, StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import task_id
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.names import Names, render
from penstock.domain.execution.places import HistoryBroken, assigned, can_be_undone, kept
from penstock.domain.execution.state import BackingOff, Execution, FailedStep, OpenTask, Visit
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.steps import table
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import Leaving, leave
from penstock.domain.steps.task import schedule, time_limit


def decide_task(state: Execution, command: c.TaskCommand, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """
    Raises:
        Rejected: the attempt is not open, or is another worker's.

    """
    match command:
        case c.CompleteTask():
            return _complete_task(state, command, at)
        case c.ClaimTask():
            return _claim_task(state, command, at)
        case c.HeartbeatTask():
            return _heartbeat_task(state, command)
        case c.FailTask():
            return _fail_task(state, command, at)
        case _:
            assert_never(command)


def _claim_task(state: Execution, command: c.ClaimTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The first worker that claims an attempt has it; the same claim again is done already."""
    task = _open_task(state, command.visit, command.attempt)
    if task.claim is not None:
        if task.claim.token == command.token:
            return ()
        raise Rejected(
            RejectionCode.TASK_CLAIMED_BY_OTHER,
            f"expected attempt {command.attempt} of visit {command.visit} to be free, but {task.claim.worker} has it",
        )
    step = task_step(state, task, at)
    timeout = time_limit(step, at.names(state, task.scope))
    return (
        e.TaskClaimed(
            visit=command.visit,
            attempt=command.attempt,
            worker=command.worker,
            token=command.token,
            expires_at=None if timeout is None else at.now + timedelta(seconds=timeout),
            heartbeat=step.heartbeat,
        ),
    )


def _heartbeat_task(state: Execution, command: c.HeartbeatTask) -> tuple[e.ExecutionEvent, ...]:
    """Nothing is recorded: the deadline that it moves lies outside the state."""
    _held_task(state, command)
    return ()


def _complete_task(state: Execution, command: c.CompleteTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The attempt is done, its output is mapped, and the token goes on."""
    task = _held_task(state, command)
    try:
        return (completed(state, command.visit, task, command.output, at, worker=command.worker),)
    except StepFailure as error:
        return (attempt_failed(state, command.visit, task, error.failure, at, command.worker),)


def completed(
    state: Execution, number: int, task: Visit, output: Any, at: Moment, *, worker: str = "", by: str | None = None
) -> e.TaskCompleted:
    """
    The task of visit ``number`` is done with ``output``.

    Raises:
        StepFailure: the output cannot be mapped, or no way out is open.

    """
    step = task_step(state, task, at)
    changed, leaving, names = mapped(state, task.scope, step, step.output, output, at)
    return e.TaskCompleted(
        visit=number,
        step=step.id,
        attempt=getattr(task, "attempt", 0),
        output=output,
        keep=step.output is None and getattr(task, "undoes", None) is None,
        set=changed,
        taken=leaving.taken,
        evaluations=leaving.evaluations,
        worker=worker,
        undo=undoing(step.undo, getattr(task, "input", None), output, names, step.id),
        by=by,
    )


def undoing(undo: Undo | None, payload: Any, output: Any, names: Names, step: str) -> e.Undoing | None:
    """What would undo a step that gave ``output``; unless it says otherwise, its task gets input and output."""
    if undo is None:
        return None
    what = {"input": payload, "output": output} if undo.input is None else render(undo.input, names, step)
    return e.Undoing(task=undo.task, queue=undo.queue, input=what)


def mapped(
    state: Execution, scope: int, step: TaskStep | WorkflowStep, mapping: dict[str, Any] | None, output: Any, at: Moment
) -> tuple[dict[str, Any], Leaving, Names]:
    """The variables that an output changes, and the way out, which sees them already."""
    if mapping is None:

        def with_output() -> dict[str, Any]:
            # most ways out ask for no names: then nothing is copied for them
            return at.names(kept(state, scope, step.id, output), scope, output=output)()

        return {}, leave(step, with_output), with_output
    before = at.names(state, scope, output=output)
    changed = {name: render(value, before, step.id) for name, value in mapping.items()}
    names = at.names(assigned(state, scope, changed), scope, output=output)
    return changed, leave(step, names), names


def _fail_task(state: Execution, command: c.FailTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The attempt failed; the retry policy says whether and when there is another one."""
    task = _held_task(state, command)
    return (attempt_failed(state, command.visit, task, command.failure, at, command.worker),)


def attempt_failed(
    state: Execution, number: int, task: OpenTask, failure: Failure, at: Moment, worker: str = ""
) -> e.TaskFailed:
    """The failure of the open attempt of visit ``number``, with the moment of the next one if there is to be one."""
    step = task_step(state, task, at)
    policy, undo = step.retry, None
    retry_at = None
    if failure.retryable and failure.code not in policy.never and task.tries < policy.attempts:
        retry_at = at.now + backoff(policy, task.tries, task_id(at.execution_id, task.step, number, task.attempt))
        if step.undo_first:
            undo = _undoing_attempt(state, task, step, failure, at)
    return e.TaskFailed(
        visit=number, step=task.step, attempt=task.attempt, failure=failure, retry_at=retry_at, worker=worker, undo=undo
    )


def _undoing_attempt(
    state: Execution, task: OpenTask, step: TaskStep, failure: Failure, at: Moment
) -> e.Undoing | None:
    """What undoes a failed attempt, which had no output; it gets the plain input where its own cannot be worked out."""
    names = at.names(state, task.scope, output=None, error=msgspec.to_builtins(failure))
    try:
        return undoing(step.undo, task.input, None, names, step.id)
    except StepFailure:
        plain = step.undo
        return None if plain is None else undoing(replace(plain, input=None), task.input, None, names, step.id)


def try_again(state: Execution, number: int, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The next attempt of a visit that waits for one; a step that could not be entered is entered again."""
    visit = state.visits[number]
    entry = entry_of(state, number, visit.scope, (), at)
    if isinstance(visit, FailedStep) and visit.child is not None:
        return (
            e.ChildStarted(
                visit=number,
                step=visit.step,
                scope=visit.scope,
                child=visit.child,
                definition="",
                again=True,
            ),
        )
    if isinstance(visit, OpenTask | BackingOff | FailedStep) and visit.attempt:
        again = visit.attempt if isinstance(visit, OpenTask) else visit.attempt + 1
        adhoc = "system" if visit.adhoc is not None else None
        try:
            step = task_step(state, visit, at)
            return (schedule(step, entry, visit.input, again, undoes=visit.undoes, adhoc=adhoc),)
        except StepFailure as error:
            return (e.StepFailed(visit=number, step=visit.step, scope=visit.scope, failure=error.failure),)
    return table.enter(at.definition.graph.steps[visit.step], entry)


def entry_of(state: Execution, number: int, scope: int, consumed: tuple[str, ...], at: Moment) -> Entry:
    return Entry(
        execution_id=at.execution_id,
        visit=number,
        scope=scope,
        consumed=consumed,
        now=at.now,
        state=state,
        names=at.names(state, scope),
    )


def backoff(policy: Retry, tries: int, seed: str) -> timedelta:
    """The pause after the attempt number ``tries``. The jitter derives from ``seed``: a replay waits as long."""
    pause = min(policy.cap, policy.backoff * policy.factor ** (tries - 1))
    share = zlib.crc32(seed.encode()) / 0xFFFFFFFF
    return timedelta(seconds=pause * (1 + policy.jitter * (2 * share - 1)))


def task_step(state: Execution, task: Visit, at: Moment) -> TaskStep:
    """What the definition says about a task; of an undo task and of one added by hand, what follows from them."""
    undoes, adhoc = getattr(task, "undoes", None), getattr(task, "adhoc", None)
    if adhoc is not None:
        return TaskStep(id=task.step, task=adhoc[0], queue=adhoc[1])
    if undoes is not None:
        return undo_step(state, undoes, at)
    step = at.definition.graph.steps[task.step]
    if not isinstance(step, TaskStep):
        raise TypeError(
            f"expected step {task.step!r} of {at.definition.id} to be a task, but it is {type(step).__name__}"
        )
    return step


def undo_step(state: Execution, undone: int, at: Moment) -> TaskStep:
    """The task that undoes a completed visit: what was recorded then, with the patience that the definition has."""
    entry = can_be_undone(state, undone)
    if entry is None:
        raise HistoryBroken(f"expected visit {undone} to be completed and not undone, but it is not")
    step = at.definition.graph.steps.get(entry.step)
    undo = step.undo if isinstance(step, TaskStep | BlockStep | WorkflowStep) else None
    return TaskStep(
        id=entry.step,
        task=entry.undo.task,
        queue=entry.undo.queue,
        retry=undo.retry if undo is not None else Retry(),
        timeout=undo.timeout if undo is not None else None,
    )


def _open_task(state: Execution, visit: int, attempt: int) -> OpenTask:
    task = state.visits.get(visit)
    if not isinstance(task, OpenTask):
        raise Rejected(RejectionCode.TASK_NOT_OPEN, f"expected visit {visit} to have an open task, but it has none")
    if task.attempt != attempt:
        raise Rejected(
            RejectionCode.ATTEMPT_SUPERSEDED,
            f"expected attempt {task.attempt} of visit {visit}, but this is attempt {attempt}",
        )
    return task


def _held_task(state: Execution, command: c.HeartbeatTask | c.CompleteTask | c.FailTask) -> OpenTask:
    task = _open_task(state, command.visit, command.attempt)
    if task.claim is not None and task.claim.token != command.token:
        raise Rejected(
            RejectionCode.TASK_CLAIMED_BY_OTHER,
            f"expected the token of {task.claim.worker}, which claimed attempt {command.attempt} of visit "
            f"{command.visit}, but got another",
        )
    return task
