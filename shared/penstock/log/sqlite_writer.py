"""The one thread that writes to the SQLite file: whatever waits at the same time shares a transaction and its fsync."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from penstock.log.port import LogError, LogUnavailable
from penstock.log.sqlite_courtesy import Courtesy
from penstock.log.sqlite_file import translated
from penstock.log.sqlite_store import Appended, Store

_T = TypeVar("_T")
_GROUP_JOBS = 1000
_GROUP_BYTES = 8 << 20


class Job(NamedTuple):
    run: Callable[[Store], Any]
    outcome: asyncio.Future[Any]
    writes: bool
    size: int


class Done(NamedTuple):
    job: Job
    result: Any
    error: BaseException | None


class Writer:
    """
    Runs jobs on ``store`` in the order in which they were given.

    Each job stands or falls by itself: it refuses (with a ``LogError``) before it has changed anything. Where SQLite
    fails, the transaction is undone and every job in it ends with ``LogUnavailable``.
    """

    def __init__(
        self,
        path: Path,
        open_store: Callable[[], Store],
        *,
        on_commit: Callable[[Appended, bool], None],
        courtesy: Courtesy,
    ) -> None:
        self.transactions = 0
        self._path = path
        self._open_store = open_store
        self._on_commit = on_commit
        self._courtesy = courtesy
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._stopped = False
        self._foreign = 0
        self._opened: asyncio.Future[None] = self._loop.create_future()
        # A daemon: an interpreter that ends without close() must not wait for it. Nothing acknowledged is lost then.
        self._thread = threading.Thread(target=self._serve, name="penstock-log-writer", daemon=True)

    async def start(self) -> None:
        self._thread.start()
        try:
            await self._opened
        except asyncio.CancelledError:
            self._jobs.put(None)
            raise

    async def do(self, run: Callable[[Store], _T], writes: bool = True, size: int = 0) -> _T:
        """What ``run`` returns, once it is durable. Cancelling the wait does not take the job back."""
        outcome: asyncio.Future[_T] = self._loop.create_future()
        self._jobs.put(Job(run, outcome, writes, size))
        if self._stopped and not outcome.done():
            outcome.set_exception(_closed(self._path))
        self._courtesy.asked()
        try:
            return await outcome
        finally:
            self._courtesy.answered()

    async def close(self) -> None:
        """After everything that was asked for is done."""
        self._jobs.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _serve(self) -> None:
        try:
            store = self._open_store()
        except LogError as error:
            self._tell(_settle, self._opened, None, error)
            return
        except BaseException as error:
            self._tell(_settle, self._opened, None, error)
            raise
        self._tell(_settle, self._opened, None, None)
        try:
            while jobs := self._next():
                self._turn(store, jobs)
        finally:
            self._stopped = True
            self._refuse_the_rest()
            with translated(self._path):
                store.close()

    def _next(self) -> list[Job]:
        """Everything that waits, within reason; nothing means the end."""
        jobs: list[Job] = []
        size = 0
        while len(jobs) < _GROUP_JOBS and size < _GROUP_BYTES:
            try:
                job = self._jobs.get(block=not jobs)
            except queue.Empty:
                break
            if job is None:
                if jobs:
                    self._jobs.put(None)  # first what came before the end
                break
            jobs.append(job)
            size += job.size
        return jobs

    def _turn(self, store: Store, jobs: Sequence[Job]) -> None:
        appended: Appended = {}
        try:
            with translated(self._path):
                writing = any(job.writes for job in jobs)
                if writing:
                    store.begin()
                else:
                    store.look()
                done = [_attempt(store, job) for job in jobs]
                if writing:
                    appended = store.commit()
                    self.transactions += 1
        except LogError as error:
            self._undo(store)
            done = [Done(job, None, type(error)(*error.args)) for job in jobs]
        except BaseException as error:
            # A defect: this thread ends, and nobody may wait for it for ever.
            self._tell(_report, [Done(job, None, error) for job in jobs])
            raise
        foreign, self._foreign = store.foreign != self._foreign, store.foreign
        self._tell(self._finish, done, appended, foreign)

    def _undo(self, store: Store) -> None:
        try:
            with translated(self._path):
                store.rollback()
        except LogError:
            return  # the same trouble again: the next transaction reports it

    def _finish(self, done: Sequence[Done], appended: Appended, foreign: bool) -> None:
        self._on_commit(appended, foreign)
        _report(done)

    def _refuse_the_rest(self) -> None:
        while True:
            try:
                job = self._jobs.get(block=False)
            except queue.Empty:
                return
            if job is not None:
                self._tell(_settle, job.outcome, None, _closed(self._path))

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more


def _attempt(store: Store, job: Job) -> Done:
    try:
        return Done(job, job.run(store), None)
    except LogError as error:
        return Done(job, None, error)


def _report(done: Sequence[Done]) -> None:
    for job, result, error in done:
        _settle(job.outcome, result, error)


def _settle(outcome: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)


def _closed(path: Path) -> LogUnavailable:
    return LogUnavailable(f"expected the log at {path} to be open, but it was closed")
