"""
One embedded system for all stories: a log in SQLite, an engine, a projector, and an embedded Postgres. At the end of
each story the tables have to say the same of its executions as their events.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penstock.domain.execution import events as e
from penstock.messages.records import Token
from penstock.projections import positions
from penstock.runtime.ids import new_id
from penstock.runtime.settings import load_settings
from penstock.standalone import Standalone
from penstock.tables.pool import Pool
from tests.patterns.run import Run
from tests.patterns.stage import Ground, Stage
from tests.patterns.story import Story
from tests.patterns.telling import Results, tell_all
from tests.patterns.watch import Watch

PARTITIONS = 2


def tell_embedded(stories: Sequence[Story], folder: Path, postgres: str) -> Results:
    """What became of ``stories``, all told at once."""
    given = {
        "data": folder,
        "log": f"sqlite:{folder / 'log.sqlite'}",
        "tables": postgres,
        "prefix": f"patterns_{uuid.uuid4().hex[:10]}",
        "partitions": PARTITIONS,
    }
    settings = load_settings(given, environ={}, folder=folder)

    async def main() -> Results:
        async with Standalone(settings, ["engine", "projector"], develop=True) as standalone:
            job = _Telling(stories, standalone)
            assert await standalone.run(job, signals=False) == 0
            return job.results

    return asyncio.run(main())


class _Telling:
    """A service that ends when all stories are told: then the others are stopped."""

    name = "telling"

    def __init__(self, stories: Sequence[Story], standalone: Standalone) -> None:
        self._stories, self._standalone = stories, standalone
        self.results: Results = {}

    def ready(self) -> bool:
        return True

    async def stop(self) -> None:
        """It ends by itself."""

    async def run(self) -> None:
        await self._standalone.until_ready()
        watch = Watch(self._standalone.log, PARTITIONS)
        watching = asyncio.create_task(watch.run())
        self.results = await tell_all(self._stories, Ground(watch=watch, new_id=new_id), look=self._look)
        watching.cancel()

    async def _look(self, stage: Stage) -> None:
        for partition, position in list(stage.watch.decided.items()):
            async with asyncio.timeout(stage.patience):
                token = Token("events", partition, position)
                while not await positions.watch(self._standalone.pool).wait_for(token, 5):
                    await asyncio.sleep(0)
        for run in stage.runs:
            await _compare(run, self._standalone.pool)


async def _compare(run: Run, pool: Pool) -> None:
    row = await pool.fetchrow("select status, output, sequence from executions where id = $1", run.id)
    assert row is not None, f"expected a row of {run.id}"
    output = next((event.output for event in run.of(e.ExecutionCompleted)), None)
    assert (row["status"], row["output"], row["sequence"]) == (run.public_status, output, len(run.events))
    rows = await pool.fetch("select visit, attempt, step, status, output from tasks where execution_id = $1", run.id)
    assert sorted(map(tuple, rows), key=lambda each: each[:2]) == _tasks(run)
    for child in run.children():
        await _compare(child, pool)


def _tasks(run: Run) -> list[tuple[Any, ...]]:
    """(visit, attempt, step, status, output) of every offered task, as the events have it."""
    known: dict[tuple[int, int], tuple[Any, ...]] = {}
    for event in run.events:
        match event:
            case e.TaskScheduled(visit=visit, attempt=attempt, step=step):
                known[visit, attempt] = (step, "scheduled", None)
            case e.TaskClaimed(visit=visit, attempt=attempt):
                known[visit, attempt] = (known[visit, attempt][0], "claimed", None)
            case e.TaskCompleted(visit=visit, attempt=attempt, output=output):
                known[visit, attempt] = (known[visit, attempt][0], "completed", output)
            case e.TaskFailed(visit=visit, attempt=attempt):
                known[visit, attempt] = (known[visit, attempt][0], "failed", None)
            case e.StepCancelled(visit=visit, attempt=attempt) | e.StepFailed(visit=visit, attempt=attempt) if attempt:
                known[visit, attempt] = (known[visit, attempt][0], "cancelled", None)
            case _:
                pass
    return [(*key, *known[key]) for key in sorted(known)]
