"""Eyes on a log: every event, offered task and answer that an engine writes, as it comes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from penstock.log.port import Log, Record, TopicPartition
from penstock.log.topics import ANSWERS, CATALOG_ANSWERS, EVENTS, partition_of, tasks_topic
from penstock.messages.envelope import Recorded, decode_event
from penstock.messages.records import Answer, Task, decode_answer, decode_task
from penstock.messages.registry import Event

TASKS = tasks_topic("default")


class Watch:
    """``run`` it beside whoever asks it. Several stories may share one."""

    def __init__(self, log: Log, partitions: int) -> None:
        self.log, self.partitions = log, partitions
        self.events: dict[str, list[Recorded[Event]]] = defaultdict(list)
        self.tasks: dict[str, list[Task]] = defaultdict(list)
        self.answers: dict[str, Answer] = {}
        self.decided: dict[int, int] = {}
        """Partition -> the input position of its last event."""
        self._positions: dict[TopicPartition, int] = {}
        self._news = asyncio.Event()

    def partition(self, root: str) -> int:
        return partition_of(root.encode(), self.partitions)

    async def run(self) -> None:
        """For ever."""
        places = [TopicPartition(topic, p) for topic in (EVENTS, ANSWERS, TASKS) for p in range(self.partitions)]
        places.append(TopicPartition(CATALOG_ANSWERS, 0))
        async with await self.log.reader(dict.fromkeys(places, 0)) as reader:
            while True:
                for record in await reader.read(limit=5000, wait=5.0):
                    self._take(record)
                self._positions = {place: reader.position(place) for place in places}
                news, self._news = self._news, asyncio.Event()
                news.set()

    async def until(self, holds: Callable[[], bool], patience: float, what: Callable[[], str]) -> None:
        """
        Return when ``holds``; it is asked again whenever something new was read.

        Raises:
            AssertionError: it does not within ``patience`` seconds; ``what`` tells what was expected.

        """
        try:
            async with asyncio.timeout(patience):
                while not holds():
                    await self._news.wait()
        except TimeoutError as error:
            raise AssertionError(f"expected {what()}") from error

    async def catch_up(self, partition: int, patience: float) -> None:
        """Return when everything is read that is on this partition of the events and tasks now."""
        places = [TopicPartition(topic, partition) for topic in (EVENTS, TASKS)]
        ends = {place: await self.log.end(place) for place in places}
        await self.until(
            lambda: all(self._positions.get(place, 0) >= end for place, end in ends.items()),
            patience,
            lambda: f"to read {ends}, but got to {self._positions}",
        )

    def _take(self, record: Record) -> None:
        value = record.value or b""
        if record.topic == EVENTS:
            event = decode_event(value)
            self.events[event.subject].append(event)
            self.decided[record.partition] = max(event.input_position, self.decided.get(record.partition, -1))
        elif record.topic == TASKS:
            task = decode_task(value)
            self.tasks[task.execution_id].append(task)
        else:
            answer = decode_answer(value)
            self.answers[answer.command_id] = answer
