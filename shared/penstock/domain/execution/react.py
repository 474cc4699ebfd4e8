"""The verb ``react``: what an event obliges the world to do."""

from __future__ import annotations

from typing import assert_never

from penstock.domain.errors import ErrorCode, Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import DispatchTask, Effect, SendCommand, WithdrawTask, task_id
from penstock.domain.lock.commands import AcquireLock, ReleaseLock
from penstock.domain.mailbox.commands import ReturnMessage, SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import lock_of, mailbox_of, parent_of, signal_of
from penstock.domain.waits import CloseWait, OpenWait

_EXPIRIES = frozenset({ErrorCode.TASK_TIMED_OUT, ErrorCode.TASK_LOST, ErrorCode.TASK_NOT_STARTED})
_PARENT = "parent"


def react(execution_id: str, event: e.ExecutionEvent) -> tuple[Effect, ...]:
    """The effects of ``event`` of the execution ``execution_id``, in order; most events oblige nobody."""
    if isinstance(event, e.TaskEvent):
        return _task(execution_id, event)
    if isinstance(event, e.LifeEvent):
        return _life(execution_id, event)
    if isinstance(event, e.StepEvent):
        return _step(execution_id, event)
    if isinstance(event, e.WaitEvent):
        return _wait(execution_id, event)
    if isinstance(event, e.LockEvent):
        return _lock(execution_id, event)
    return _body(event)


def _task(execution_id: str, event: e.TaskEvent) -> tuple[Effect, ...]:
    match event:
        case e.TaskScheduled():
            return (_dispatch(execution_id, event),)
        case e.TaskCompleted(by=None) | e.TaskClaimed():
            return ()
        case e.TaskCompleted(visit=visit, step=step, attempt=attempt):
            return (_withdraw(execution_id, step, visit, attempt, "completed by hand"),) if attempt else ()
        case e.TaskFailed(visit=visit, step=step, attempt=attempt, failure=failure):
            expired = failure.code in _EXPIRIES
            return (_withdraw(execution_id, step, visit, attempt, failure.code),) if expired else ()
        case _:
            assert_never(event)


def _life(execution_id: str, event: e.LifeEvent) -> tuple[Effect, ...]:
    match event:
        case e.ExecutionCompleted() | e.ExecutionFailed() | e.ExecutionCancelled() | e.ExecutionTerminated():
            return _to_parent(execution_id, event)
        case e.ExecutionPaused(children=children, reason=reason):
            pause = c.PauseExecution(reason=reason, by=_PARENT)
            return tuple(SendCommand(subject=child, command=pause) for child in children)
        case e.ExecutionResumed(children=children):
            resume = c.ResumeExecution(by=_PARENT)
            return tuple(SendCommand(subject=child, command=resume) for child in children)
        case e.ExecutionStarted() | e.ExecutionRetried() | e.ExecutionMigrated() | e.BiteTaken() | e.VariablesSet():
            return ()
        case _:
            assert_never(event)


def _step(execution_id: str, event: e.StepEvent) -> tuple[Effect, ...]:
    match event:
        case e.StepCancelled():
            return _cancelled(execution_id, event)
        case e.StepFailed():
            return _failed(execution_id, event)
        case (
            e.StepPassed()
            | e.TokensWithdrawn()
            | e.BranchArrived()
            | e.EscalationRaised()
            | e.BoundaryTriggered()
            | e.StepOffered()
            | e.StepSkipped()
            | e.StepRerun()
        ):
            return ()
        case _:
            assert_never(event)


def _wait(execution_id: str, event: e.WaitEvent) -> tuple[Effect, ...]:
    match event:
        case e.MessageSent(visit=visit, name=name, key=key, payload=payload, keep=keep):
            sent = SendMessage(message_id=f"{execution_id}/{visit}", payload=payload, ttl=keep, by=execution_id)
            return (SendCommand(subject=mailbox_of(name, key), command=sent),)
        case e.SignalSent(name=name, payload=payload):
            broadcast = BroadcastSignal(payload=payload, by=execution_id)
            return (SendCommand(subject=signal_of(name), command=broadcast),)
        case e.WaitsOpened(visit=visit, waits=waits):
            return _to_sources(OpenWait, execution_id, visit, waits)
        case e.WaitsClosed(visit=visit, waits=waits):
            return _to_sources(CloseWait, execution_id, visit, waits)
        case (
            e.TimerStarted()
            | e.TimerFired()
            | e.ListeningStarted()
            | e.WaitConfirmed()
            | e.MessageReceived()
            | e.SignalReceived()
        ):
            return ()
        case _:
            assert_never(event)


def _lock(execution_id: str, event: e.LockEvent) -> tuple[Effect, ...]:
    match event:
        case e.LockRequested(visit=visit, lock=lock, shared=True, request=request):
            asked = AcquireLock(execution=execution_id, visit=request or visit)
            return (SendCommand(subject=lock_of(lock), command=asked),)
        case e.LockFreed(visit=visit, lock=lock, shared=True, request=request):
            freed = ReleaseLock(execution=execution_id, visit=request or visit)
            return (SendCommand(subject=lock_of(lock), command=freed),)
        case e.LockRequested() | e.LockFreed() | e.LockGranted():
            return ()
        case _:
            assert_never(event)


def _body(event: e.BodyEvent) -> tuple[Effect, ...]:
    match event:
        case e.ChildStarted() | e.ChildDetached():
            return (_start(event),)
        case e.ChildCompleted(child=child, by=str()):
            return (SendCommand(subject=child, command=c.TerminateExecution(reason="completed by hand", by=_PARENT)),)
        case (
            e.ChildCompleted()
            | e.ChildFailed()
            | e.BlockStarted()
            | e.BlockCompleted()
            | e.EachStarted()
            | e.ItemsAdded()
            | e.CopyStarted()
            | e.CopyCompleted()
            | e.EachLeft()
            | e.EachCompleted()
            | e.CompensationStarted()
            | e.CompensationCompleted()
        ):
            return ()
        case _:
            assert_never(event)


def _to_sources(
    order: type[OpenWait | CloseWait], execution_id: str, visit: int, waits: tuple[e.Wait, ...]
) -> tuple[Effect, ...]:
    return tuple(
        SendCommand(subject=wait.source, command=order(execution=execution_id, visit=visit, option=wait.option))
        for wait in waits
    )


def _dispatch(execution_id: str, event: e.TaskScheduled) -> DispatchTask:
    return DispatchTask(
        task_id=task_id(execution_id, event.step, event.visit, event.attempt),
        execution_id=execution_id,
        step=event.step,
        visit=event.visit,
        attempt=event.attempt,
        task=event.task,
        queue=event.queue,
        input=event.input,
        timeout=event.timeout,
        heartbeat=event.heartbeat,
        claim=event.claim,
        start_by=event.start_by,
    )


def _withdraw(execution_id: str, step: str, visit: int, attempt: int, reason: str) -> WithdrawTask:
    return WithdrawTask(task_id=task_id(execution_id, step, visit, attempt), execution_id=execution_id, reason=reason)


def _cancelled(execution_id: str, event: e.StepCancelled) -> tuple[Effect, ...]:
    if event.attempt:
        return (_withdraw(execution_id, event.step, event.visit, event.attempt, event.reason),)
    if event.child is None:
        return ()
    order = c.TerminateExecution if event.force else c.CancelExecution
    return (SendCommand(subject=event.child, command=order(reason=event.reason, by=_PARENT)),)


def _failed(execution_id: str, event: e.StepFailed) -> tuple[Effect, ...]:
    """Its task is withdrawn, and the message that it could not take goes back."""
    effects: list[Effect] = []
    if event.attempt:
        effects.append(_withdraw(execution_id, event.step, event.visit, event.attempt, event.failure.code))
    if event.returns is not None:
        mailbox = mailbox_of(event.returns.name, event.returns.key)
        effects.append(SendCommand(subject=mailbox, command=ReturnMessage(message=event.returns)))
    return tuple(effects)


def _start(event: e.ChildStarted | e.ChildDetached) -> SendCommand:
    if isinstance(event, e.ChildStarted) and event.again:
        return SendCommand(subject=event.child, command=c.RetryExecution(by=_PARENT))
    start = c.StartExecution(
        definition=event.definition,
        version=event.version,
        input=event.input,
        initiated_by=_PARENT,
        depth=event.depth,
    )
    return SendCommand(subject=event.child, command=start)


def _to_parent(
    execution_id: str,
    event: e.ExecutionCompleted | e.ExecutionFailed | e.ExecutionCancelled | e.ExecutionTerminated,
) -> tuple[Effect, ...]:
    """A parent that waits for this execution learns what it has come to."""
    parent = parent_of(execution_id)
    if parent is None:
        return ()
    waiting, _ = parent
    match event:
        case e.ExecutionCompleted(output=output):
            told = c.CompleteChild(child=execution_id, outcome="completed", output=output)
        case e.ExecutionFailed(failure=failure):
            told = c.CompleteChild(child=execution_id, outcome="failed", failure=failure)
        case e.ExecutionCancelled():
            told = c.CompleteChild(child=execution_id, outcome="cancelled")
        case e.ExecutionTerminated():
            told = c.CompleteChild(child=execution_id, outcome="terminated")
    return (SendCommand(subject=waiting, command=told),)


def start_refused(execution_id: str, code: str) -> tuple[Effect, ...]:
    """A child that could not be started: its parent must not wait for it."""
    parent = parent_of(execution_id)
    if parent is None:
        return ()
    waiting, _ = parent
    failure = Failure(
        code=code, message=f"{execution_id} could not be started: {code}", retryable=False, kind="workflow"
    )
    told = c.CompleteChild(child=execution_id, outcome="refused", failure=failure)
    return (SendCommand(subject=waiting, command=told),)
