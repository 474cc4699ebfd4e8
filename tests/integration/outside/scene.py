"""A day at a console: six executions are run by typing, and what the consumer printed is kept for the tests."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from penstock.engine.replay import Snapshot, state_at
from penstock.log.kafka import KafkaLog
from tests.integration.engine.rig import Rig
from tests.integration.outside.console import Consumer, Line, Producer, consuming, producing
from tests.integration.outside.typed import command, publish, uuid7

PARTITIONS = 2


@dataclass
class Scene:
    """``executions`` are the ids by story; ``shown`` is what the product itself says of each."""

    prefix: str
    executions: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    events: list[Line] = field(default_factory=list)
    catalog: list[Line] = field(default_factory=list)
    shown: dict[str, Snapshot] = field(default_factory=dict)


@dataclass
class Desk:
    """One person's consoles, and the execution at hand."""

    scene: Scene
    commands: Producer
    events: Consumer
    execution: str

    async def type(self, kind: str, data: str, id_: str = "") -> None:
        text = command(kind, self.execution, data, id_)
        self.scene.typed.append(text)
        await self.commands.type(self.execution, text)

    async def sees(self, kind: str, **data: Any) -> dict[str, Any]:
        return await self.events.event(kind, self.execution, **data)

    async def start(self) -> None:
        await self.type("start_execution", '{"definition": "parcels", "input": {"to": "Zoë, 中"}, "tags": ["typed"]}')

    async def result(self, step: str, output: str) -> None:
        visit = (await self.sees("task_scheduled", step=step))["visit"]
        await self.type("complete_task", f'{{"visit": {visit}, "attempt": 1, "output": {output}}}')


async def completed(desk: Desk) -> None:
    await desk.start()
    await desk.start()  # the same execution again, under another command id: nothing more happens
    await desk.result("weigh", '{"grams": 900}')
    await desk.result("ship", '"on its way"')
    await desk.sees("execution_completed")


async def paused_and_resumed(desk: Desk) -> None:
    await desk.start()
    await desk.sees("task_scheduled", step="weigh")
    await desk.type("pause_execution", '{"reason": "lunch", "by": "ann"}')
    await desk.sees("execution_paused")
    await desk.result("weigh", '{"grams": 12.5}')
    await desk.sees("task_completed")
    await desk.type("resume_execution", '{"by": "ann"}')
    visit = (await desk.sees("task_scheduled", step="ship"))["visit"]
    await desk.type("claim_task", f'{{"visit": {visit}, "attempt": 1, "worker": "ann", "token": "t-1"}}')
    await desk.sees("task_claimed")


async def retried(desk: Desk) -> None:
    await desk.start()
    visit = (await desk.sees("task_scheduled", step="weigh"))["visit"]
    await desk.type("fail_task", f'{{"visit": {visit}, "attempt": 1, "failure": {{"code": "SCALE_BUSY"}}}}')
    await desk.sees("task_scheduled", attempt=2)
    await desk.type(
        "fail_task", f'{{"visit": {visit}, "attempt": 2, "failure": {{"code": "SCALE_BROKEN", "retryable": false}}}}'
    )
    await desk.sees("execution_failed", step="weigh")
    await desk.type("retry_execution", '{"by": "ann"}')
    await desk.sees("task_scheduled", attempt=3)
    await desk.type("complete_task", f'{{"visit": {visit}, "attempt": 3, "output": {{"grams": 7}}}}')
    await desk.result("ship", "null")
    await desk.sees("execution_completed")


async def waiting(desk: Desk) -> None:
    await desk.start()
    await desk.result("weigh", '{"grams": 2000}')
    await desk.sees("timer_started", step="cool_down")


async def cancelled(desk: Desk) -> None:
    await desk.start()
    await desk.sees("task_scheduled")
    await desk.type("cancel_execution", '{"reason": "sent back", "by": "ann"}')
    await desk.sees("execution_cancelled")


async def failed(desk: Desk) -> None:
    await desk.start()
    visit = (await desk.sees("task_scheduled"))["visit"]
    failure = '{"code": "LOST", "message": "nobody has it", "retryable": false}'
    await desk.type("fail_task", f'{{"visit": {visit}, "attempt": 1, "failure": {failure}}}')
    await desk.sees("execution_failed")


STORIES: Mapping[str, Callable[[Desk], Awaitable[None]]] = {
    "completed": completed,
    "paused and resumed": paused_and_resumed,
    "retried": retried,
    "waiting": waiting,
    "cancelled": cancelled,
    "failed": failed,
}


async def play(bootstrap: str) -> Scene:
    """Run the stories against an engine on two partitions of a Kafka of other people's tools."""
    scene = Scene(prefix=f"outside-{uuid.uuid4().hex[:10]}")
    log = await KafkaLog.open(bootstrap, prefix=scene.prefix)
    rig = Rig(log, partitions=PARTITIONS)
    try:
        await rig.prepare()
        await rig.start_engine()
        await _publish(bootstrap, scene)
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(consuming(bootstrap, f"{scene.prefix}.events.v1"))
            commands = await stack.enter_async_context(producing(bootstrap, f"{scene.prefix}.commands.v1"))
            await commands.type("somebody", "this is not JSON")
            for name, story in STORIES.items():
                scene.executions[name] = uuid7()
                await story(Desk(scene, commands, events, scene.executions[name]))
            scene.events = events.lines
        scene.shown = {name: await state_at(log, execution) for name, execution in scene.executions.items()}
    finally:
        await rig.close()
        await log.close()
    return scene


async def _publish(bootstrap: str, scene: Scene) -> None:
    async with consuming(bootstrap, f"{scene.prefix}.catalog.v1") as catalog:
        async with producing(bootstrap, f"{scene.prefix}.catalog-commands.v1") as commands:
            await _type(scene, commands, publish())
            await catalog.event("definition_published", "parcels", version="1.0.0")
            await _type(
                scene, commands, command("deactivate_definition", "parcels", '{"version": "1.0.0", "by": "ann"}')
            )
            await _type(scene, commands, command("activate_definition", "parcels", '{"version": "1.0.0"}'))
            await catalog.event("definition_activated", "parcels")
        scene.catalog = catalog.lines


async def _type(scene: Scene, commands: Producer, text: str) -> None:
    scene.typed.append(text)
    await commands.type("parcels", text)
