"""
A whole system on a log in memory, under a seed: an engine whose commits are lost, doubtful or fenced, callers who
repeat themselves, workers who are slow, late, twofold or wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from penstock.catalog.commands import PublishDefinition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.engine.owner import Pace
from penstock.engine.service import Engine
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, LogUnavailable, Message, Record, TopicPartition
from penstock.log.topics import (
    ANSWERS,
    CATALOG_ANSWERS,
    CATALOG_COMMANDS,
    COMMANDS,
    EVENTS,
    partition_of,
    product_topics,
    tasks_topic,
)
from penstock.messages.envelope import Received, Recorded, decode_event, encode_command
from penstock.messages.records import Answer, Task, decode_answer, decode_task
from penstock.messages.registry import NAMES, Command, Event
from tests.sim.virtual import VirtualLoop

COMMIT_FAULTS = (Fault.LOST, Fault.DOUBTFUL, Fault.TAKEN_OVER)
SEND_FAULTS = (Fault.LOST, Fault.DOUBTFUL, Fault.DUPLICATE)

DEFINITIONS: Sequence[dict[str, Any]] = (
    {
        "id": "sequence",
        "version": "1.0.0",
        "steps": {
            "a": {"task": "t", "retry": {"attempts": 3, "backoff": "2s"}, "next": "b"},
            "b": {"wait": "5s", "next": "c"},
            "c": {"task": "t", "timeout": "1m", "retry": {"attempts": 2, "backoff": "1s"}},
        },
    },
    {
        "id": "branches",
        "version": "1.0.0",
        "timeout": "10m",
        "steps": {
            "fork": {"parallel": ["x", "y", "z"]},
            "x": {"task": "t", "next": "join"},
            "y": {"wait": "3s", "next": "join"},
            "z": {"task": "t", "heartbeat": "5s", "next": "join"},
            "join": {"join": "all", "choose": [{"when": "n > 5", "next": "big"}, {"otherwise": "end"}]},
            "big": {"task": "t"},
        },
    },
)


class World:
    """``chance`` decides everything that may go either way; ``trouble`` is how often something goes wrong."""

    def __init__(self, seed: int, loop: VirtualLoop, executions: int = 6, trouble: float = 0.1) -> None:
        self.chance = random.Random(seed)
        self.loop, self.executions, self.trouble = loop, executions, trouble
        self.partitions = self.chance.choice([1, 2])
        self.log = MemoryLog(clock=loop.milliseconds)
        self.log.faults.on_commit = lambda *_: self._fault(COMMIT_FAULTS)
        self.log.faults.on_send = lambda *_: self._fault(SEND_FAULTS)
        self.log.faults.latency = lambda: self.chance.random() * 0.05
        self.ids = [self._uuid7(number) for number in range(executions)]
        self.sent: dict[str, str] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.events: list[Recorded[Event]] = []
        self._calm = False
        self._busy: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Everything, until every execution has ended or stands failed; then a calm restart and an orderly stop."""
        await self.log.apply(product_topics(self.partitions))
        engines = asyncio.create_task(self._engines())
        people = [asyncio.create_task(part) for part in (self._callers(), self._workers(), self._watch())]
        await self._all_over()
        for task in (engines, *people, *self._busy):
            task.cancel()
        await asyncio.gather(engines, *people, *self._busy, return_exceptions=True)
        self._calm = True
        engine = self._engine()
        running = asyncio.create_task(engine.run())
        while not engine.ready():
            await asyncio.sleep(0.1)
        await engine.stop()
        await running

    async def _engines(self) -> None:
        """One engine after the other: each falls or is stopped sooner or later."""
        while True:
            engine = self._engine()
            running = asyncio.create_task(engine.run())
            try:
                await asyncio.wait({running}, timeout=self.chance.uniform(5, 60))
            finally:
                await engine.stop()
                await asyncio.wait({running})
            running.result()

    def _engine(self) -> Engine:
        pace = Pace(batch=self.chance.choice([1, 3, 1000]), checkpoint_events=self.chance.choice([3, 20, 10_000]))
        return Engine(self.log, clock=self.loop.now, pace=pace)

    async def _callers(self) -> None:
        for source in DEFINITIONS:
            await self._say(PublishDefinition(source=source), source["id"], f"publish-{source['id']}")
        for execution in self.ids:
            start = c.StartExecution(
                definition=self.chance.choice(DEFINITIONS)["id"], input={"n": self.chance.randrange(10)}
            )
            await self._say(start, execution, f"start-{execution}")
            if self.chance.random() < 0.3:
                await self._say(c.PauseExecution(), execution, f"pause-{execution}")
                await asyncio.sleep(self.chance.uniform(0, 20))
                await self._say(c.ResumeExecution(), execution, f"resume-{execution}")
            if self.chance.random() < 0.1:
                await self._say(c.CancelExecution(), execution, f"cancel-{execution}")

    async def _say(self, command: Command, subject: str, command_id: str) -> None:
        """As a careful caller does: the same command again and again until there is an answer."""
        self.sent[command_id] = subject
        while command_id not in self.answers:
            await self._send(command, subject, command_id, reply_to="caller")
            await asyncio.sleep(self.chance.uniform(0.1, 3))
        if self.chance.random() < 0.3:
            await self._send(command, subject, command_id, reply_to="caller")

    async def _workers(self) -> None:
        places = [TopicPartition(tasks_topic("default"), p) for p in range(self.partitions)]
        reader = await self.log.reader(dict.fromkeys(places, 0))
        while True:
            for record in await reader.read(wait=5.0):
                job = asyncio.create_task(self._work(decode_task(record.value or b"")))
                self._busy.add(job)
                job.add_done_callback(self._busy.discard)

    async def _work(self, task: Task) -> None:
        token = f"{task.id}-{self.chance.randrange(2)}"
        await asyncio.sleep(self.chance.uniform(0, 3))
        if task.claim:
            claim = c.ClaimTask(visit=task.visit, attempt=task.attempt, worker="w", token=token)
            await self._insist(claim, task, f"{task.id}/claim/{token}")
            if self.chance.random() < self.trouble:
                return
        await asyncio.sleep(self.chance.uniform(0, 4))
        result: Command = c.CompleteTask(visit=task.visit, attempt=task.attempt, output={"ok": True}, token=token)
        if self.chance.random() < self.trouble:
            failure = Failure(code="BROKEN", retryable=self.chance.random() < 0.9)
            result = c.FailTask(visit=task.visit, attempt=task.attempt, failure=failure, token=token)
        for _ in range(self.chance.choice([1, 1, 1, 2])):
            await self._insist(result, task, f"{task.id}/result")

    async def _insist(self, command: Command, task: Task, command_id: str) -> None:
        """What the log does not acknowledge is sent again."""
        while not await self._send(command, task.execution_id, command_id):
            await asyncio.sleep(1)

    async def _send(self, command: Command, subject: str, command_id: str, reply_to: str = "") -> bool:
        received = Received(
            command=command, id=command_id, type=NAMES[type(command)], subject=subject, reply_to=reply_to
        )
        catalog = isinstance(command, PublishDefinition)
        key = subject.encode()
        topic, partition = (CATALOG_COMMANDS, 0) if catalog else (COMMANDS, partition_of(key, self.partitions))
        try:
            await self.log.send([Batch(topic, partition, [Message(key, encode_command(received))])])
        except LogUnavailable:
            return False
        return True

    async def _watch(self) -> None:
        numbered = [TopicPartition(topic, p) for topic in (EVENTS, ANSWERS) for p in range(self.partitions)]
        reader = await self.log.reader(dict.fromkeys([*numbered, TopicPartition(CATALOG_ANSWERS, 0)], 0))
        while True:
            for record in await reader.read(wait=5.0):
                self._take(record)

    def _take(self, record: Record) -> None:
        if record.topic == EVENTS:
            self.events.append(decode_event(record.value or b""))
        else:
            answer = decode_answer(record.value or b"")
            self.answers.setdefault(answer.command_id, []).append(answer)

    async def _all_over(self) -> None:
        async with asyncio.timeout(24 * 3600):
            while len(self.over()) < self.executions:
                await asyncio.sleep(1)

    def over(self) -> set[str]:
        """The executions that have ended, or have failed and not been retried."""
        return {execution for execution in self.ids if self.status(execution) in _OVER}

    def status(self, execution: str) -> str | None:
        found = (getattr(r.event, "status", None) for r in reversed(self.events) if r.subject == execution)
        return next((status for status in found if status), None)

    def starts(self) -> Counter[str]:
        return Counter(r.subject for r in self.events if isinstance(r.event, e.ExecutionStarted))

    def _fault(self, faults: Sequence[Fault]) -> Fault:
        if self._calm or self.chance.random() > self.trouble:
            return Fault.NONE
        return self.chance.choice(faults)

    def _uuid7(self, number: int) -> str:
        milliseconds = self.loop.milliseconds() + number
        tail = self.chance.getrandbits(62)
        value = milliseconds << 80 | 0x7 << 76 | self.chance.getrandbits(12) << 64 | 0b10 << 62 | tail
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_OVER = {"completed", "cancelled", "terminated", "failed"}
