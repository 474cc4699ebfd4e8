"""
The stage on which the stories of the patterns are told: an engine at work, and a worker that does nothing unasked.

The same story is told in memory, embedded and on Kafka: it waits for what has to happen and never for time, but for
``passes``. Every public call is one step of the story: before it the engine may be killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.catalog.commands import PublishDefinition
from penstock.domain.definition.read import read_definition
from penstock.domain.execution import commands as c
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import mailbox_of, root_of, signal_of
from penstock.log.port import Batch, Message, TopicPartition
from penstock.log.topics import CATALOG_COMMANDS, COMMANDS
from penstock.messages.envelope import CONTENT_TYPE, Received, encode_command
from penstock.messages.registry import NAMES, Command
from tests.patterns.run import Run
from tests.patterns.story import Story
from tests.patterns.watch import Watch

__all__ = ["Ground", "Run", "Stage", "Step", "Story"]

ROUNDS = 5
"""Barriers in a row after which nothing that entities say to one another is under way: the longest chain has four."""


class Step(Protocol):
    def __call__(self) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """
    Where stories are told. ``alone``: nobody else writes to the log. ``slack`` is what a clock needs beyond the seconds
    that have to pass, ``patience`` how long to wait for what has to happen, ``many`` what a story takes for very many.
    """

    watch: Watch
    new_id: Callable[[], str]
    alone: bool = False
    slack: float = 0.3
    patience: float = 60.0
    many: int = 1000


class Stage:
    """One telling of one story. ``step`` is called before each of its steps; ``calls`` counts them."""

    def __init__(self, ground: Ground, definition: str, step: Step | None = None) -> None:
        self.ground, self._definition, self._step = ground, definition, step
        self.watch, self.patience, self.many = ground.watch, ground.patience, ground.many
        self.runs: list[Run] = []
        self.calls = 0
        self._id = ""
        self.detail = ""
        """What the last refusal said."""

    async def open(self) -> None:
        """Publish the story's own definition."""
        self._id = await self._publish(self._definition)

    async def close(self) -> None:
        """Whatever the story looked at: each history is whole, and every task was offered exactly once."""
        await self.settle()
        for run in self.runs:
            run.check()

    async def publish(self, text: str) -> None:
        """One more definition, in YAML."""
        await self.enter()
        await self._publish(text)

    async def start(self, **input_: Any) -> Run:
        """An execution of the story's own definition."""
        return await self.start_of(self._id, **input_)

    async def start_of(self, definition: str, /, **input_: Any) -> Run:
        await self.enter()
        run = Run(self, self.ground.new_id())
        self.runs.append(run)
        refused = await self.ask(c.StartExecution(definition=definition, input=input_), run.id)
        assert not refused, f"expected {definition} to start, but: {self.detail}"
        return run

    async def message(self, name: str, key: str, payload: Any = None, *, ttl: float | None = None) -> None:
        await self.enter()
        command = SendMessage(message_id=self.ground.new_id(), payload=payload, ttl=ttl)
        refused = await self.ask(command, mailbox_of(name, key))
        assert not refused, f"expected message {name} to be taken, but: {self.detail}"

    async def signal(self, name: str, payload: Any = None) -> None:
        await self.enter()
        refused = await self.ask(BroadcastSignal(payload=payload), signal_of(name))
        assert not refused, f"expected signal {name} to be taken, but: {self.detail}"

    async def passes(self, seconds: float) -> None:
        """Time passes; what falls due in it is decided afterwards."""
        await self.enter()
        await asyncio.sleep(seconds + self.ground.slack)
        await self.settle()

    async def enter(self) -> None:
        """The next step begins."""
        self.calls += 1
        if self._step is not None:
            await self._step()

    async def ask(self, command: Command, subject: str, command_id: str = "") -> str:
        """Send, and wait until it is decided and all is read that came of it: "" or the code of the refusal."""
        key = root_of(subject)
        partition = self.watch.partition(key)
        code = await self._ask(command, subject, COMMANDS, partition, command_id)
        await self.watch.catch_up(partition, self.patience)
        return code

    async def ask_all(self, commands: Sequence[Command], subject: str) -> list[str]:
        """As ``ask``, in one go."""
        partition = self.watch.partition(root_of(subject))
        codes = await self._ask_all(commands, subject, COMMANDS, partition)
        await self.watch.catch_up(partition, self.patience)
        return codes

    async def settle(self) -> None:
        """Everything that was said so far is decided, also what entities said to one another because of it."""
        for _ in range(ROUNDS):
            before = await self._ends()
            for partition in range(self.watch.partitions):
                await self._barrier(partition)
            if self.ground.alone and await self._ends() == before + self.watch.partitions:
                break
        for partition in range(self.watch.partitions):
            await self.watch.catch_up(partition, self.patience)

    async def _ends(self) -> int:
        log = self.watch.log
        return sum([await log.end(TopicPartition(COMMANDS, p)) for p in range(self.watch.partitions)])

    async def _barrier(self, partition: int) -> None:
        """A command that is refused: its answer says that everything before it is decided."""
        nobody = self.ground.new_id()
        while self.watch.partition(nobody) != partition:
            nobody = self.ground.new_id()
        await self._ask(c.CompleteTask(visit=0, attempt=1), nobody, COMMANDS, partition)

    async def _publish(self, text: str) -> str:
        source = dict(read_definition(text).value)
        refused = await self._ask(PublishDefinition(source=source), source["id"], CATALOG_COMMANDS, 0)
        assert not refused, f"expected {source['id']} to be published, but: {self.detail}"
        return str(source["id"])

    async def _ask(self, command: Command, subject: str, topic: str, partition: int, command_id: str = "") -> str:
        (code,) = await self._ask_all([command], subject, topic, partition, command_id)
        return code

    async def _ask_all(
        self, commands: Sequence[Command], subject: str, topic: str, partition: int, command_id: str = ""
    ) -> list[str]:
        sent = [
            Received(
                command=command,
                id=command_id or self.ground.new_id(),
                type=NAMES[type(command)],
                subject=subject,
                reply_to="story",
            )
            for command in commands
        ]
        key, answers = root_of(subject).encode(), self.watch.answers
        messages = [Message(key, encode_command(each), (CONTENT_TYPE,)) for each in sent]
        await self.watch.log.send([Batch(topic, partition, messages)])
        await self.watch.until(
            lambda: all(each.id in answers for each in sent), self.patience, lambda: f"an answer to {commands}"
        )
        self.detail = next((answers[each.id].detail for each in sent if answers[each.id].code), "")
        return [answers[each.id].code for each in sent]
