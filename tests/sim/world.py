"""
A whole system on a log in memory, under a seed: an engine whose commits are lost, doubtful or fenced, callers and
operators who repeat themselves, workers who are slow, late, twofold or wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any

from penstock.catalog.commands import PublishDefinition
from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.subjects import root_of
from penstock.engine.owner import Pace
from penstock.engine.service import Engine
from penstock.log.memory import MemoryLog, MemoryReader
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, LogUnavailable, Message, Record, TopicPartition
from penstock.log.topics import (
    ANSWERS,
    CATALOG_ANSWERS,
    CATALOG_COMMANDS,
    COMMANDS,
    EVENTS,
    partition_of,
    tasks_topic,
)
from penstock.messages.envelope import Received, Recorded, decode_event, encode_command
from penstock.messages.records import Answer, Task, decode_answer, decode_task
from penstock.messages.registry import NAMES, Command, Event
from tests.sim import definitions
from tests.sim.virtual import VirtualLoop

COMMIT_FAULTS = (Fault.LOST, Fault.DOUBTFUL, Fault.TAKEN_OVER)
SEND_FAULTS = (Fault.LOST, Fault.DOUBTFUL, Fault.DUPLICATE)
EXECUTIONS = 6
SLOWER = 10
OVER = {"completed", "cancelled", "terminated"}


class SlowReader(MemoryReader):
    """Who finds nothing to read looks again later than usual: most of a story would be looking. News still wakes it."""

    async def read(self, limit: int = 1000, wait: float = 0.0) -> Sequence[Record]:
        return await super().read(limit, wait * SLOWER)


class SlowLog(MemoryLog):
    async def reader(self, starts: Mapping[TopicPartition, int]) -> MemoryReader:
        return SlowReader({key: self._partition(key) for key in starts}, starts, self._doorbell)


class World:
    """``chance`` decides everything that may go either way; ``trouble`` is how often something goes wrong."""

    def __init__(self, seed: int, loop: VirtualLoop, trouble: float = 0.1) -> None:
        self.chance = random.Random(seed)
        self.loop, self.trouble = loop, trouble
        self.partitions = self.chance.choice([1, 2, 3])
        self.log = SlowLog(clock=loop.milliseconds)
        self.log.faults.on_commit = lambda *_: self._fault(COMMIT_FAULTS)
        self.log.faults.on_send = lambda *_: self._fault(SEND_FAULTS)
        self.log.faults.latency = lambda: self.chance.random() * 0.05
        self.definitions = self._chosen()
        self.ids = [self._uuid7(number) for number in range(EXECUTIONS)]
        self.sent: dict[str, str] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.events: list[Recorded[Event]] = []
        self.statuses: dict[str, str] = {}
        self.definition_of: dict[str, str] = {}
        self.calm = False
        self._seen: dict[TopicPartition, int] = {}
        self._working = asyncio.Event()
        self._working.set()

    def _chosen(self) -> list[dict[str, Any]]:
        """One of the spine (or, now and then, what takes more than one decision), two by hand, two drawn."""
        drawn = copy.deepcopy(self.chance.sample(definitions.drawn(), 2))
        first = self.chance.choice(definitions.SPINE) if self.chance.random() < 0.95 else definitions.MANY
        return [first, *self.chance.sample(definitions.BY_HAND, 2), *drawn]

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Engines, one after the other, with workers and the eyes of the story. If they fall, so does the story."""
        busy: set[asyncio.Task[None]] = set()
        story = asyncio.current_task()
        engines = asyncio.create_task(self._engines())

        def fallen(_: asyncio.Task[None]) -> None:
            assert story is not None
            story.cancel()

        engines.add_done_callback(fallen)
        others = [asyncio.create_task(part) for part in (self._workers(busy), self._watch())]
        try:
            yield
        finally:
            engines.remove_done_callback(fallen)
            for task in (engines, *others, *busy):
                task.cancel()
            ended = await asyncio.gather(engines, *others, *busy, return_exceptions=True)
            for error in ended:
                if error is not None and not isinstance(error, asyncio.CancelledError):
                    raise error

    @contextlib.asynccontextmanager
    async def one_calm_engine(self) -> AsyncIterator[None]:
        """Without trouble, until its orderly stop; what it does is seen."""
        self.calm = True
        engine = self._engine()
        running, watch = asyncio.create_task(engine.run()), asyncio.create_task(self._watch())
        while not engine.ready():
            await asyncio.sleep(0.1)
        yield
        await engine.stop()
        await running
        watch.cancel()

    @contextlib.asynccontextmanager
    async def nobody_works(self) -> AsyncIterator[None]:
        """No trouble, and no result of a worker is sent."""
        self._working.clear()
        self.calm = True
        yield
        self.calm = False
        self._working.set()

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

    async def publish(self) -> None:
        """All of them, and the first by hand in a second version, to which executions can migrate."""
        for source in (*definitions.CALLED, *self.definitions, {**self.definitions[1], "version": "1.1.0"}):
            command_id = f"publish-{source['id']}-{source['version']}"
            await self.say(PublishDefinition(source=source), source["id"], command_id)
            answer = self.answers[command_id][0]
            assert answer.outcome == "accepted", answer

    async def start(self, execution: str) -> None:
        given = {"n": self.chance.randrange(10), "amount": self.chance.randrange(20)}
        start = c.StartExecution(definition=self.chance.choice(self.definitions)["id"], input=given)
        await self.say(start, execution, f"start-{execution}")

    def lately_at(self, execution: str) -> list[str]:
        """The steps of its last events."""
        recent = [r.event for r in self.events[-200:] if r.subject == execution]
        return [step for event in recent[-6:] if (step := getattr(event, "step", None))]

    async def say(self, command: Command, subject: str, command_id: str) -> None:
        """As a careful caller does: the same command again and again until there is an answer."""
        self.sent[command_id] = subject
        while command_id not in self.answers:
            await self._send(command, subject, command_id, reply_to="caller")
            await asyncio.sleep(self.chance.uniform(0.1, 3))
        if self.chance.random() < 0.3:
            await self._send(command, subject, command_id, reply_to="caller")

    async def _workers(self, busy: set[asyncio.Task[None]]) -> None:
        places = [TopicPartition(tasks_topic("default"), p) for p in range(self.partitions)]
        reader = await self.log.reader(dict.fromkeys(places, 0))
        while True:
            for record in await reader.read(wait=5.0):
                job = asyncio.create_task(self._work(decode_task(record.value or b"")))
                busy.add(job)
                job.add_done_callback(busy.discard)

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
            failure = Failure(code=self.chance.choice(["BROKEN", "NO"]), retryable=self.chance.random() < 0.9)
            result = c.FailTask(visit=task.visit, attempt=task.attempt, failure=failure, token=token)
        for _ in range(self.chance.choice([1, 1, 1, 2])):
            await self._insist(result, task, f"{task.id}/result")

    async def _insist(self, command: Command, task: Task, command_id: str) -> None:
        """What the log does not acknowledge is sent again."""
        await self._working.wait()
        while not await self._send(command, task.execution_id, command_id):
            await asyncio.sleep(1)

    async def _send(self, command: Command, subject: str, command_id: str, reply_to: str = "") -> bool:
        received = Received(
            command=command, id=command_id, type=NAMES[type(command)], subject=subject, reply_to=reply_to
        )
        catalog = isinstance(command, PublishDefinition)
        key = root_of(subject).encode()
        topic, partition = (CATALOG_COMMANDS, 0) if catalog else (COMMANDS, partition_of(key, self.partitions))
        try:
            await self.log.send([Batch(topic, partition, [Message(key, encode_command(received))])])
        except LogUnavailable:
            return False
        return True

    async def _watch(self) -> None:
        numbered = [TopicPartition(topic, p) for topic in (EVENTS, ANSWERS) for p in range(self.partitions)]
        places = [*numbered, TopicPartition(CATALOG_ANSWERS, 0)]
        reader = await self.log.reader({place: self._seen.get(place, 0) for place in places})
        while True:
            for record in await reader.read(wait=5.0):
                self._take(record)
            self._seen = {place: reader.position(place) for place in places}

    def _take(self, record: Record) -> None:
        if record.topic == EVENTS:
            recorded = decode_event(record.value or b"")
            self.events.append(recorded)
            if isinstance(recorded.event, e.ExecutionStarted):
                self.definition_of[recorded.subject] = recorded.event.definition
            if isinstance(recorded.event, e.ExecutionEvent) and recorded.event.status is not None:
                self.statuses[recorded.subject] = recorded.event.status
        else:
            answer = decode_answer(record.value or b"")
            self.answers.setdefault(answer.command_id, []).append(answer)

    async def together(self, *parts: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(3600), asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)

    def _fault(self, faults: Sequence[Fault]) -> Fault:
        if self.calm or self.chance.random() > self.trouble:
            return Fault.NONE
        return self.chance.choice(faults)

    def _uuid7(self, number: int) -> str:
        milliseconds = self.loop.milliseconds() + number
        tail = self.chance.getrandbits(62)
        value = milliseconds << 80 | 0x7 << 76 | self.chance.getrandbits(12) << 64 | 0b10 << 62 | tail
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
