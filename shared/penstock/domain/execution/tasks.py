"""Decisions about the attempts of a task: claimed, alive, completed, failed, tried again."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from penstock.domain.definition.model import Retry, TaskStep
from penstock.domain.errors import Failure, StepFailure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import task_id
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.names import render
from penstock.domain.execution.state import BackingOff, Execution, FailedStep, OpenTask
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.steps import table
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import Leaving, leave
from penstock.domain.steps.task import schedule, time_limit


def claim_task(state: Execution, command: c.ClaimTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The first worker that claims an attempt has it; the same claim again is done already."""
    task = _open_task(state, command.visit, command.attempt)
    if task.claim is not None:
        if task.claim.token == command.token:
            return ()
        raise Rejected(
            RejectionCode.TASK_CLAIMED_BY_OTHER,
            f"expected attempt {command.attempt} of visit {command.visit} to be free, but {task.claim.worker} has it",
        )
    step = _step(task.step, at)
    timeout = time_limit(step, at.names(state))
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


def heartbeat_task(state: Execution, command: c.HeartbeatTask) -> tuple[e.ExecutionEvent, ...]:
    """Nothing is recorded: the deadline that it moves lies outside the state."""
    _held_task(state, command)
    return ()


def complete_task(state: Execution, command: c.CompleteTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The attempt is done, its output is mapped, and the token goes on."""
    task = _held_task(state, command)
    step = _step(task.step, at)
    try:
        changed, leaving = _mapped(state, step, command.output, at)
    except StepFailure as error:
        return (attempt_failed(command.visit, task, error.failure, at, command.worker),)
    return (
        e.TaskCompleted(
            visit=command.visit,
            step=step.id,
            attempt=command.attempt,
            output=command.output,
            keep=step.output is None,
            set=changed,
            taken=leaving.taken,
            evaluations=leaving.evaluations,
            worker=command.worker,
        ),
    )


def fail_task(state: Execution, command: c.FailTask, at: Moment) -> tuple[e.ExecutionEvent, ...]:
    """The attempt failed; the retry policy says whether and when there is another one."""
    task = _held_task(state, command)
    return (attempt_failed(command.visit, task, command.failure, at, command.worker),)


def attempt_failed(number: int, task: OpenTask, failure: Failure, at: Moment, worker: str = "") -> e.TaskFailed:
    """The failure of the open attempt of visit ``number``, with the moment of the next one if there is to be one."""
    policy = _step(task.step, at).retry
    retry_at = None
    if failure.retryable and failure.code not in policy.never and task.tries < policy.attempts:
        retry_at = at.now + backoff(policy, task.tries, task_id(at.execution_id, task.step, number, task.attempt))
    return e.TaskFailed(
        visit=number, step=task.step, attempt=task.attempt, failure=failure, retry_at=retry_at, worker=worker
    )


def try_again(state: Execution, number: int, at: Moment) -> e.ExecutionEvent:
    """The next attempt of a visit that waits for one; a step that could not be entered is entered again."""
    visit = state.visits[number]
    step = at.definition.graph.steps[visit.step]
    entry = Entry(
        visit=number, scope=visit.scope, consumed=(), now=at.now, variables=state.variables, names=at.names(state)
    )
    if isinstance(step, TaskStep) and isinstance(visit, OpenTask | BackingOff | FailedStep) and visit.attempt:
        again = visit.attempt if isinstance(visit, OpenTask) else visit.attempt + 1
        try:
            return schedule(step, entry, visit.input, again)
        except StepFailure as error:
            return e.StepFailed(visit=number, step=step.id, scope=visit.scope, failure=error.failure)
    return table.enter(step, entry)


def backoff(policy: Retry, tries: int, seed: str) -> timedelta:
    """The pause after the attempt number ``tries``. The jitter derives from ``seed``: a replay waits as long."""
    pause = min(policy.cap, policy.backoff * policy.factor ** (tries - 1))
    share = zlib.crc32(seed.encode()) / 0xFFFFFFFF
    return timedelta(seconds=pause * (1 + policy.jitter * (2 * share - 1)))


def _mapped(state: Execution, step: TaskStep, output: Any, at: Moment) -> tuple[dict[str, Any], Leaving]:
    """The variables that the output changes, and the way out, which sees them already."""
    if step.output is None:
        after = replace(state, results={**state.results, step.id: output})
        return {}, leave(step, at.names(after, output=output))
    names = at.names(state, output=output)
    changed = {name: render(value, names, step.id) for name, value in step.output.items()}
    after = replace(state, variables={**state.variables, **changed})
    return changed, leave(step, at.names(after, output=output))


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


def _step(step_id: str, at: Moment) -> TaskStep:
    step = at.definition.graph.steps[step_id]
    if not isinstance(step, TaskStep):
        raise TypeError(
            f"expected step {step_id!r} of {at.definition.id} to be a task, but it is {type(step).__name__}"
        )
    return step
