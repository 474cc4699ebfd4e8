"""Starts executions, keeps so many in flight, and waits for the last event of each."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from penstock.catalog.commands import PublishDefinition
from penstock.domain.execution.commands import StartExecution
from penstock.log.port import Batch, Log, Message, TopicPartition
from penstock.log.topics import CATALOG_ANSWERS, CATALOG_COMMANDS, COMMANDS, EVENTS, partition_of
from penstock.messages.envelope import Received, encode_command
from penstock.messages.records import decode_answer
from penstock.messages.registry import NAMES, Command
from penstock.runtime.ids import new_id

ENDED = b'"penstock.execution_completed.v1"'


@dataclass(frozen=True)
class Run:
    """Seconds for all of them to end, and each one's latency in seconds, sorted."""

    seconds: float
    latencies: list[float]

    def quantile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


def message(command: Command, subject: str, reply_to: str = "") -> Message:
    received = Received(
        command=command, id=f"{subject}/command", type=NAMES[type(command)], subject=subject, reply_to=reply_to
    )
    return Message(subject.encode(), encode_command(received))


async def publish(log: Log, source: dict[str, Any]) -> None:
    command = message(PublishDefinition(source=source), source["id"], reply_to="bench")
    answers = TopicPartition(CATALOG_ANSWERS, 0)
    async with await log.reader({answers: await log.end(answers)}) as reader:
        await log.send([Batch(CATALOG_COMMANDS, 0, [command])])
        found = [decode_answer(record.value or b"") for record in await reader.read(wait=30)]
    if not found or found[0].outcome != "accepted":
        raise RuntimeError(f"expected {source['id']} to be published, but {found}")


async def run(log: Log, definition: str, count: int, in_flight: int) -> Run:
    """``count`` executions of ``definition``, at most ``in_flight`` at a time."""
    partitions = (await log.topics())[COMMANDS]
    events = [TopicPartition(EVENTS, number) for number in range(partitions)]
    reader = await log.reader({place: await log.end(place) for place in events})
    sent = done = 0
    began: dict[bytes, float] = {}
    latencies: list[float] = []
    clock = time.perf_counter()
    while done < count:
        free = min(count - sent, in_flight - (sent - done))
        if free and free >= min(count - sent, max(1, in_flight // 10)):
            batches: dict[int, list[Message]] = defaultdict(list)
            for _ in range(free):
                subject = new_id()
                began[subject.encode()] = time.perf_counter()
                start = StartExecution(definition=definition, version="1.0.0", input={"n": 1, "k": "v"})
                batches[partition_of(subject.encode(), partitions)].append(message(start, subject))
            sent += free
            await log.send([Batch(COMMANDS, number, messages) for number, messages in batches.items()])
        for record in await reader.read(limit=5000, wait=1.0):
            if ENDED in (record.value or b""):
                done += 1
                latencies.append(time.perf_counter() - began.pop(record.key))
    seconds = time.perf_counter() - clock
    await reader.close()
    return Run(seconds, sorted(latencies))
