"""Schedules and operations on every kind of log, with the clock of the machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from penstock.domain.execution import events as x
from penstock.domain.execution.commands import StartExecution
from penstock.domain.operation.commands import StartOperation
from penstock.domain.operation.events import OperationCompleted
from penstock.domain.schedule import events as e
from penstock.domain.schedule.commands import CreateSchedule, DeleteSchedule
from penstock.domain.schedule.plan import Plan
from penstock.domain.subjects import operation_of, schedule_of
from penstock.engine.replay import verify
from penstock.log.port import Log
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig

pytestmark = pytest.mark.anyio
N = 2
WORK: dict[str, Any] = {"id": "work", "version": "1.0.0", "steps": {"w": {"task": "work"}}}


@pytest.fixture
async def scene(log: Log) -> Rig:
    rig = Rig(log, partitions=N)
    await rig.prepare()
    await rig.start_engine()
    await rig.publish(WORK)
    return rig


async def test_ticks_start_executions_wherever_these_live(scene: Rig) -> None:
    schedule = schedule_of("often")
    await scene.ask(CreateSchedule(plan=Plan(definition="work", every=1.0, catch_up="all")), schedule)
    await scene.until(lambda: len(_fired(scene, schedule)) >= 3)
    await scene.ask(DeleteSchedule(), schedule)
    fired = _fired(scene, schedule)
    wanted = {recorded.event.execution for recorded in fired}
    await scene.until(lambda: wanted <= {r.subject for r in scene.events if isinstance(r.event, x.ExecutionStarted)})
    assert all(r.time >= r.event.due_at for r in fired if isinstance(r.event, e.ScheduleFired))
    await scene.close()
    assert all(verdict.ok for verdict in await verify(scene.log))


async def test_an_operation_goes_on_with_the_next_engine(scene: Rig) -> None:
    ids = [new_id() for _ in range(250)]
    for id_ in ids:
        await scene.send(StartExecution(definition="work"), id_)
    operation = operation_of("o-1")
    await scene.send(StartOperation(action="pause", targets=tuple(ids)), operation)
    (engine,) = scene._engines
    await scene.stop_engine(engine)
    await scene.start_engine()
    await scene.until(lambda: any(isinstance(r.event, OperationCompleted) for r in scene.history(operation)))
    assert scene.history(operation)[-1].event == OperationCompleted(accepted=250)
    await scene.until(lambda: len([r for r in scene.events if isinstance(r.event, x.ExecutionPaused)]) >= 250)
    pauses = Counter(r.subject for r in scene.events if isinstance(r.event, x.ExecutionPaused))
    assert pauses == dict.fromkeys(ids, 1)
    await scene.close()
    assert all(verdict.ok for verdict in await verify(scene.log))


def _fired(rig: Rig, schedule: str) -> list[Any]:
    return [recorded for recorded in rig.history(schedule) if isinstance(recorded.event, e.ScheduleFired)]
