"""A place where workers work: task offers are written by hand, and what workers send is read from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from penstock.domain.execution.commands import ClaimTask, CompleteTask, FailTask, HeartbeatTask
from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Log, Message, TopicPartition
from penstock.log.subscription import GroupSubscription
from penstock.log.topics import COMMANDS, TASKS_CONTROL, partition_of, product_topics, tasks_topic
from penstock.messages.envelope import Received, decode_command
from penstock.messages.records import Task, TaskWithdrawn, encode_record
from penstock.messages.registry import Command
from penstock.runtime.ids import new_id
from penstock.sdk.log_channel import LogChannel
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.task import Handlers
from penstock.sdk.transport import Joining
from penstock.sdk.worker import Worker

PATIENCE = 20.0


class CountingLog(MemoryLog):
    """Remembers how many records each send had."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: list[int] = []

    async def send(self, batches: Sequence[Batch]) -> dict[TopicPartition, int]:
        self.sends.append(sum(len(batch.messages) for batch in batches))
        return dict(await super().send(batches))


class KnownTransport(LogTransport):
    """Lets a test see the place that a worker has in its group."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.channels: list[LogChannel] = []

    async def open(self, joining: Joining) -> LogChannel:
        self.channels.append(await super().open(joining))
        return self.channels[-1]


class Shop:
    def __init__(self, log: Log, partitions: int = 1) -> None:
        self.log, self.partitions = log, partitions
        self.received: list[Received[Command]] = []
        self._position = {TopicPartition(COMMANDS, p): 0 for p in range(partitions)}
        self._running: dict[Worker, asyncio.Task[None]] = {}
        self._transports: dict[Worker, KnownTransport] = {}

    async def prepare(self) -> None:
        await self.log.apply(product_topics(self.partitions))

    async def open(self, handlers: Handlers, **options: Any) -> Worker:
        """A worker that is ready."""
        transport = KnownTransport(self.log)
        worker = Worker(handlers, transport, **options)
        self._running[worker] = asyncio.create_task(worker.run())
        self._transports[worker] = transport
        await self.until(lambda: worker.ready() or self._running[worker].done())
        if self._running[worker].done():
            self._running[worker].result()
        return worker

    async def stop(self, worker: Worker) -> None:
        await worker.stop()
        await asyncio.wait_for(self._running.pop(worker), PATIENCE)

    async def kill(self, worker: Worker) -> None:
        """As by SIGKILL: nothing is finished, committed or handed back, and the group notices later."""
        task = self._running.pop(worker)
        task.cancel()
        await asyncio.wait([task])
        for channel in self._transports[worker].channels:
            assert isinstance(channel.subscription, GroupSubscription)
            await channel.subscription.expire()

    async def close(self) -> None:
        for worker in list(self._running):
            await self.stop(worker)

    async def offer(self, kind: str, value: Any = None, **fields: Any) -> Task:
        return (await self.offers(kind, [value], **fields))[0]

    async def offers(self, kind: str, values: Sequence[Any], **fields: Any) -> list[Task]:
        """Offers as the engine writes them, in one batch per partition; ``execution`` puts them all on one key."""
        tasks, batches = [], dict[int, list[Message]]()
        execution = fields.pop("execution", None)
        for visit, value in enumerate(values, 1):
            subject = execution or new_id()
            fields_ = {"visit": visit, "attempt": 1, "step": "s", "queue": "default", **fields}
            task_id = f"{subject}/s/{fields_['visit']}/{fields_['attempt']}"
            task = Task(id=task_id, execution_id=subject, task=kind, input=value, **fields_)
            key = subject.encode()
            batches.setdefault(partition_of(key, self.partitions), []).append(Message(key, encode_record(task)))
            tasks.append(task)
        await self.log.send([Batch(tasks_topic("default"), p, messages) for p, messages in batches.items()])
        return tasks

    async def withdraw(self, task: Task) -> None:
        value = encode_record(TaskWithdrawn(task_id=task.id, execution_id=task.execution_id, reason="cancelled"))
        await self.log.send([Batch(TASKS_CONTROL, 0, [Message(task.execution_id.encode(), value)])])

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.look()

    async def look(self) -> None:
        async with await self.log.reader(self._position) as reader:
            for record in await reader.read(limit=10_000, wait=0.01):
                self.received.append(decode_command(record.value or b""))
            self._position = {place: reader.position(place) for place in self._position}

    async def result(self, task: Task) -> CompleteTask | FailTask:
        """The first result that was sent for ``task``."""
        await self.until(lambda: bool(self.results(task)))
        return self.results(task)[0]

    def results(self, task: Task) -> list[CompleteTask | FailTask]:
        return [c for c in self.of(task) if isinstance(c, CompleteTask | FailTask)]

    def beats(self, task: Task) -> list[HeartbeatTask]:
        return [c for c in self.of(task) if isinstance(c, HeartbeatTask)]

    def claims(self, task: Task) -> list[ClaimTask]:
        return [c for c in self.of(task) if isinstance(c, ClaimTask)]

    def of(self, task: Task) -> list[Command]:
        """What was sent about one attempt."""
        return [
            received.command
            for received in self.received
            if received.subject == task.execution_id
            and (getattr(received.command, "visit", None), getattr(received.command, "attempt", None))
            == (task.visit, task.attempt)
        ]

    async def committed(self, partition: int = 0) -> int:
        """Where the next member of the workers' group would begin."""
        assert isinstance(self.log, MemoryLog)
        progress = await self.log.progress("workers-default")
        return progress.get(TopicPartition(tasks_topic("default"), partition), 0)
