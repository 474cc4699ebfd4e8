"""Those who ask things of executions: they start them, meddle with them, send messages, and see to it that all ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from penstock.domain.execution import commands as c
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import mailbox_of, signal_of
from tests.sim import definitions
from tests.sim.world import OVER, World

MEDDLING = 10
RETRIES = 2


class People:
    def __init__(self, world: World) -> None:
        self._world, self._chance = world, world.chance
        self._number = count()
        self._steps = {
            source["id"]: [*definitions.step_ids(source["steps"]), "by_hand"]
            for source in (*definitions.CALLED, *world.definitions)
        }
        self._retried: dict[str, int] = {}

    async def begin(self) -> None:
        """Everything is started, and the first orders are given."""
        await self._world.publish()
        starts = [self._world.start(execution) for execution in self._world.ids]
        await self._world.together(*starts, *(self._meddle(10) for _ in range(MEDDLING // 3)))

    async def meddle(self) -> None:
        """Orders and messages, while the work goes on."""
        orders = [self._meddle(40) for _ in range(MEDDLING)]
        await self._world.together(self._messages(), *orders)

    async def patiently(self) -> None:
        """Whatever is paused goes on, and what has failed is tried again; in vain, it is terminated."""
        world = self._world

        def over() -> bool:
            return len(world.statuses) >= len(world.ids) and set(world.statuses.values()) <= OVER

        async with asyncio.timeout(3600):
            while not over():
                for execution, status in list(world.statuses.items()):
                    if status == "paused":
                        await self._order(c.ResumeExecution, execution)
                    elif status == "failed":
                        await self._again(execution)
                await asyncio.sleep(2)

    async def _again(self, execution: str) -> None:
        tried = self._retried[execution] = self._retried.get(execution, 0) + 1
        await self._order(c.RetryExecution if tried <= RETRIES else c.TerminateExecution, execution)

    async def _order(self, kind: Callable[..., c.ExecutionCommand], execution: str) -> None:
        command_id = f"order-{next(self._number)}"
        await self._world.say(kind(by=command_id), execution, command_id)

    async def _messages(self) -> None:
        for number in range(self._chance.randrange(2, 6)):
            await asyncio.sleep(self._chance.uniform(0, 15))
            name = f"message-{number}"
            if self._chance.random() < 0.4:
                await self._world.say(BroadcastSignal(payload=number), signal_of("stop"), name)
            else:
                mailbox = mailbox_of("paid", self._chance.choice(["k", "n"]))
                ttl = self._chance.choice([None, 5.0])
                sent = SendMessage(message_id=name, payload={"amount": number}, ttl=ttl)
                await self._world.say(sent, mailbox, name)

    async def _meddle(self, within: float) -> None:
        """One order to whatever runs then, a child or a root."""
        await asyncio.sleep(self._chance.uniform(1, within))
        running = [execution for execution, status in self._world.statuses.items() if status not in OVER]
        if running:
            execution = self._chance.choice(running)
            command_id = f"order-{next(self._number)}"
            await self._world.say(self._some_order(execution, command_id), execution, command_id)

    def _some_order(self, execution: str, by: str) -> c.ExecutionCommand:
        if self._chance.random() < 0.15 and "extra" in self._steps[self._world.definition_of[execution]]:
            return c.StartStep(step="extra", by=by)
        steps = self._world.lately_at(execution) if self._chance.random() < 0.7 else []
        step = self._chance.choice(steps or self._steps[self._world.definition_of[execution]])
        orders: tuple[c.ExecutionCommand, ...] = (
            c.PauseExecution(by=by),
            c.PauseExecution(by=by),
            c.ResumeExecution(by=by),
            c.RetryExecution(by=by),
            c.CancelExecution(by=by),
            c.CancelStep(step=step, by=by),
            c.CompleteStep(step=step, output={"by": by}, by=by),
            c.SkipStep(step=step, by=by),
            c.RerunStep(step=step, by=by),
            c.SetVariables(values={"amount": 3, "got": by}, by=by),
            c.AddTask(name="by_hand", task="t", by=by),
            c.AddItems(step=step, items=[1, 2], by=by),
            c.StartStep(step=step, by=by),
            c.MigrateExecution(version=self._chance.choice(["1.0.0", "1.1.0"]), by=by),
        )
        return self._chance.choice(orders)
