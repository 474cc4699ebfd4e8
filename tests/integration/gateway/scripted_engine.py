"""Another process at the log's seam: answers commands as it is told, and decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from penstock.log.port import Batch, Log, Message, Record, TopicPartition
from penstock.log.topics import ANSWERS, CATALOG_ANSWERS, CATALOG_COMMANDS, COMMANDS, tasks_topic
from penstock.messages.envelope import Received, decode_command
from penstock.messages.records import Answer, Task, encode_record
from penstock.messages.registry import Command

Script = Callable[[Received[Command]], str | None]
"""The code of a refusal, "" for yes, None for no answer at all."""


class ScriptedEngine:
    def __init__(self, log: Log, partitions: int = 1) -> None:
        self.log, self.partitions = log, partitions
        self.script: Script = lambda _: ""
        self.received: list[Received[Command]] = []
        self.answered = asyncio.Condition()

    async def run(self) -> None:
        places = [TopicPartition(COMMANDS, number) for number in range(self.partitions)]
        places.append(TopicPartition(CATALOG_COMMANDS, 0))
        async with await self.log.reader({place: await self.log.first(place) for place in places}) as reader:
            while True:
                for record in await reader.read(wait=5.0):
                    await self._take(record)

    async def offer(self, task: Task) -> None:
        message = Message(task.execution_id.encode(), encode_record(task))
        await self.log.send([Batch(tasks_topic(task.queue), 0, [message])])

    def of(self, kind: type) -> list[Received[Command]]:
        return [received for received in self.received if isinstance(received.command, kind)]

    async def _take(self, record: Record) -> None:
        received = decode_command(record.value or b"")
        self.received.append(received)
        code = self.script(received)
        if received.reply_to and code is not None:
            topic = ANSWERS if record.topic == COMMANDS else CATALOG_ANSWERS
            answer = Answer(
                command_id=received.id,
                subject=received.subject,
                outcome="rejected" if code else "accepted",
                to=received.reply_to,
                code=code,
                detail=f"told to say {code}" if code else "",
                input_position=record.position,
            )
            await self.log.send([Batch(topic, record.partition, [Message(record.key, encode_record(answer))])])


@asynccontextmanager
async def scripted(log: Log, partitions: int = 1) -> AsyncIterator[ScriptedEngine]:
    engine = ScriptedEngine(log, partitions)
    running = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        running.cancel()
        await asyncio.wait({running})
