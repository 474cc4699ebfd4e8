"""Kafka's own console tools, as a person would use them: lines typed in, lines read off."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

from launcher import HERE, console_classpath, java

PATIENCE = 60.0
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"


class Line(NamedTuple):
    """A record as the console consumer prints it. ``value`` are its exact bytes."""

    partition: int
    position: int
    key: str
    value: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.value)
        return found


class Tool:
    """One running tool; ended by its own process id."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, tool: str, *arguments: str) -> Self:
        # Two small tools beside a broker, on a machine with few cores: the quick compiler starts them sooner.
        options = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        quiet = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        command = (java(), *options, quiet, "-cp", console_classpath(), tool, *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22
        )
        return cls(process)

    async def stop(self) -> None:
        """The end of its input ends a producer; a consumer is told to go."""
        if self._process.returncode is None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.returncode is None and not isinstance(self, Producer):
            os.kill(self._process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            os.kill(self._process.pid, signal.SIGKILL)
            await self._process.wait()


class Producer(Tool):
    """``kafka-console-producer --property parse.key=true``: every line is a key, a tab, and a value."""

    async def type(self, key: str, value: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{key}\t{value}\n".encode())
        await self._process.stdin.drain()


class Consumer(Tool):
    """``kafka-console-consumer --isolation-level read_committed --from-beginning``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process)
        self.lines: list[Line] = []

    async def until(self, holds: Callable[[list[Line]], bool]) -> None:
        """Read line after line until ``holds``."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while not holds(self.lines):
                text = await self._process.stdout.readline()
                assert text, "expected the console consumer to go on, but it has ended"
                self.lines.append(_line(text))

    async def event(self, type_: str, subject: str, **data: Any) -> dict[str, Any]:
        """The data of the event of ``subject`` that says this; waits for it."""

        def fits(line: Line) -> bool:
            event = line.event
            said = {name: event["data"].get(name) for name in data}
            return (event["type"], event["subject"], said) == (f"penstock.{type_}.v1", subject, data)

        await self.until(lambda lines: any(map(fits, lines)))
        found: dict[str, Any] = next(filter(fits, self.lines)).event["data"]
        return found


def _line(text: bytes) -> Line:
    partition, position, key, value = text.rstrip(b"\n").split(b"\t", 3)
    return Line(int(partition.split(b":")[1]), int(position.split(b":")[1]), key.decode(), value)


@asynccontextmanager
async def producing(bootstrap: str, topic: str) -> AsyncIterator[Producer]:
    # It would wait a second for more lines before it sends one.
    at_once = ("--sync", "--producer-property", "linger.ms=0")
    tool = await Producer.start(
        PRODUCER, "--bootstrap-server", bootstrap, "--topic", topic, "--property", "parse.key=true", *at_once
    )
    try:
        yield tool
    finally:
        await tool.stop()


@asynccontextmanager
async def consuming(bootstrap: str, topic: str) -> AsyncIterator[Consumer]:
    tool = await Consumer.start(
        CONSUMER,
        *("--bootstrap-server", bootstrap, "--topic", topic),
        *("--from-beginning", "--isolation-level", "read_committed"),
        *("--property", "print.partition=true", "--property", "print.offset=true", "--property", "print.key=true"),
    )
    try:
        yield tool
    finally:
        await tool.stop()
