"""A running engine on a log, a worker that does as it is told, and eyes on the events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from penstock.catalog.commands import PublishDefinition
from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.domain.execution.commands import CompleteTask, FailTask, StartExecution
from penstock.domain.subjects import root_of
from penstock.engine.owner import Pace
from penstock.engine.service import Engine
from penstock.log.port import Batch, Log, Message, Record, TopicPartition
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
from penstock.messages.envelope import CONTENT_TYPE, Received, Recorded, decode_event, encode_command
from penstock.messages.records import Answer, Task, decode_answer, decode_task
from penstock.messages.registry import NAMES, Command, Event
from penstock.runtime.ids import new_id

PATIENCE = 30.0
ME = "rig"

Handler = Callable[[Task], Any]
"""Gives the output, or a Failure."""


class Rig:
    """``engine`` is the one at work, if any; several may be started by hand."""

    def __init__(self, log: Log, partitions: int = 1, pace: Pace | None = None) -> None:
        self.log, self.partitions = log, partitions
        self.pace = pace or Pace()
        self._engines: dict[Engine, asyncio.Task[None]] = {}
        self._positions: dict[TopicPartition, int] = {}
        self.events: list[Recorded[Event]] = []
        self.tasks: list[Task] = []
        self.answers: dict[str, Answer] = {}

    async def prepare(self) -> None:
        await self.log.apply(product_topics(self.partitions))

    async def start_engine(self, member: str = "") -> Engine:
        engine = Engine(self.log, member=member, pace=self.pace)
        task = asyncio.create_task(engine.run())
        self._engines[engine] = task
        await self.until(lambda: engine.ready() or task.done())
        if task.done():
            task.result()
        return engine

    async def stop_engine(self, engine: Engine) -> None:
        await engine.stop()
        await asyncio.wait_for(self._engines.pop(engine), PATIENCE)

    async def close(self) -> None:
        for engine in list(self._engines):
            await self.stop_engine(engine)

    async def publish(self, source: dict[str, Any]) -> Answer:
        return await self.ask(PublishDefinition(source=source), source["id"], topic=CATALOG_COMMANDS)

    async def publish_with_engine(self, source: dict[str, Any]) -> None:
        """Publish with an engine that is gone again afterwards."""
        engine = await self.start_engine()
        await self.publish(source)
        await self.stop_engine(engine)

    async def start(self, definition: str, execution_id: str = "", **input_: Any) -> str:
        subject = execution_id or new_id()
        answer = await self.ask(StartExecution(definition=definition, input=input_), subject)
        assert answer.outcome == "accepted", answer
        return subject

    async def ask(self, command: Command, subject: str, command_id: str = "", topic: str = COMMANDS) -> Answer:
        """Send and wait for the answer to this very command."""
        command_id = command_id or new_id()
        await self.send(command, subject, command_id, reply_to=ME, topic=topic)
        self.answers.pop(command_id, None)
        await self.until(lambda: command_id in self.answers)
        return self.answers[command_id]

    async def send(
        self, command: Command, subject: str, command_id: str = "", reply_to: str = "", topic: str = COMMANDS
    ) -> int:
        received = Received(
            command=command,
            id=command_id or new_id(),
            type=NAMES[type(command)],
            subject=subject,
            reply_to=reply_to,
        )
        return await self.send_raw(root_of(subject).encode(), encode_command(received), topic)

    async def send_raw(self, key: bytes, value: bytes, topic: str = COMMANDS) -> int:
        partition = 0 if topic == CATALOG_COMMANDS else partition_of(key, self.partitions)
        sent = await self.log.send([Batch(topic, partition, [Message(key, value, (CONTENT_TYPE,))])])
        return sent[TopicPartition(topic, partition)]

    async def work(self, handlers: Mapping[str, Handler], until: Callable[[], bool]) -> None:
        """Answer tasks as ``handlers`` say until ``until`` holds."""
        done = 0
        async with asyncio.timeout(PATIENCE):
            while not until():
                await self.look()
                for task in self.tasks[done:]:
                    done += 1
                    if task.task in handlers:
                        await self._result(task, handlers[task.task](task))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.look()

    async def look(self) -> None:
        """Read what is new on every topic; waits a moment where there is nothing."""
        topics = [EVENTS, ANSWERS, tasks_topic("default")]
        places = [TopicPartition(t, p) for t in topics for p in range(self.partitions)]
        places.append(TopicPartition(CATALOG_ANSWERS, 0))
        starts = {place: self._positions.get(place, 0) for place in places}
        async with await self.log.reader(starts) as reader:
            for record in await reader.read(limit=5000, wait=0.05):
                self._take(record)
            self._positions.update({place: reader.position(place) for place in places})

    def _take(self, record: Record) -> None:
        value = record.value or b""
        if record.topic == EVENTS:
            self.events.append(decode_event(value))
        elif record.topic in (ANSWERS, CATALOG_ANSWERS):
            answer = decode_answer(value)
            self.answers[answer.command_id] = answer
        else:
            self.tasks.append(decode_task(value))

    async def _result(self, task: Task, result: Any) -> None:
        command: Command
        if isinstance(result, Failure):
            command = FailTask(visit=task.visit, attempt=task.attempt, failure=result)
        else:
            command = CompleteTask(visit=task.visit, attempt=task.attempt, output=result)
        await self.send(command, task.execution_id, f"{task.id}/result")

    def history(self, execution_id: str) -> list[Recorded[Event]]:
        return [recorded for recorded in self.events if recorded.subject == execution_id]

    def status(self, execution_id: str) -> str | None:
        for recorded in reversed(self.history(execution_id)):
            if (status := getattr(recorded.event, "status", None)) is not None:
                return str(status)
        return None

    def ended(self, *executions: str) -> Callable[[], bool]:
        """Whether all ``executions`` have ended or failed."""

        def holds() -> bool:
            over = {
                r.subject
                for r in self.events
                if isinstance(
                    r.event,
                    e.ExecutionCompleted | e.ExecutionCancelled | e.ExecutionTerminated | e.ExecutionFailed,
                )
            }
            return over.issuperset(executions)

        return holds
