"""An engine is killed, or another one comes or goes: nothing is lost, doubled or reordered."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.domain.execution import events as e
from penstock.domain.execution.commands import StartExecution
from penstock.engine.owner import Pace
from penstock.engine.replay import verify
from penstock.log.open import open_log
from penstock.log.port import Log
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig

pytestmark = pytest.mark.anyio

W3 = {
    "id": "w3",
    "version": "1.0.0",
    "steps": {"a": {"task": "add", "next": "b"}, "b": {"wait": "20ms", "next": "c"}, "c": {"task": "add"}},
}
EXECUTIONS = 60


def add(task: object) -> object:
    return {"n": 1}


def assert_exactly_once(rig: Rig, executions: list[str]) -> None:
    for execution in executions:
        history = rig.history(execution)
        assert [recorded.sequence for recorded in history] == list(range(1, 9))
        assert isinstance(history[0].event, e.ExecutionStarted)
        assert isinstance(history[-1].event, e.ExecutionCompleted)


@contextlib.asynccontextmanager
async def engine_process(url: str, prefix: str, member: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.engine.engine_process",
        url,
        prefix,
        member,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        if line == b"ready\n":
            return
    raise AssertionError("the engine ended before it was ready")


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def test_an_engine_that_is_killed_loses_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:{tmp_path / 'log.db'}" if kind == "sqlite" else f"kafka://{request.getfixturevalue('kafka')}"
    prefix = f"kill-{uuid.uuid4().hex[:10]}"
    log = await open_log(url, prefix)
    rig = Rig(log, partitions=2)
    await rig.prepare()
    async with engine_process(url, prefix, "first") as first:
        await ready(first)
        await rig.publish(W3)
        executions = [new_id() for _ in range(EXECUTIONS)]
        for number, execution in enumerate(executions):
            await rig.send(StartExecution(definition="w3", input={"n": number}), execution)
        await rig.work(
            {"add": add}, lambda: sum(isinstance(r.event, e.TaskCompleted) for r in rig.events) > EXECUTIONS / 2
        )
        first.kill()
        await first.wait()
        worked = len(rig.tasks)
    async with engine_process(url, prefix, "second") as second:
        await ready(second)
        await answer_again(rig, worked)
        await rig.work({"add": add}, rig.ended(*executions))
    assert_exactly_once(rig, executions)
    assert all(verdict.ok for verdict in await verify(log))
    await log.close()


async def answer_again(rig: Rig, count: int) -> None:
    """What a worker's transport does after it does not know whether a result came through: it sends it again."""
    for task in rig.tasks[:count]:
        await rig._result(task, {"n": 1})


async def test_two_engines_share_the_partitions_and_the_one_that_stays_takes_over(log: Log) -> None:
    rig = Rig(log, partitions=4, pace=Pace(checkpoint_events=50))
    await rig.prepare()
    first = await rig.start_engine("one")
    await rig.publish(W3)
    second = await rig.start_engine("two")
    await rig.until(lambda: bool(second.owners()) and bool(first.owners()))
    before = [new_id() for _ in range(20)]
    for execution in before:
        await rig.send(StartExecution(definition="w3"), execution)
    await rig.work({"add": add}, lambda: sum(isinstance(r.event, e.TaskCompleted) for r in rig.events) > 10)
    await rig.stop_engine(first)
    after = [new_id() for _ in range(20)]
    for execution in after:
        await rig.send(StartExecution(definition="w3"), execution)
    await rig.work({"add": add}, rig.ended(*before, *after))
    assert_exactly_once(rig, [*before, *after])
    await rig.close()
    assert all(verdict.ok for verdict in await verify(log))
