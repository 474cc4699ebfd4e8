"""Sends commands and waits for what became of them: the only reader of the answers topics in a process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias

import structlog

from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.subjects import root_of
from penstock.gateway.sending import Sending
from penstock.log.port import Log, LogUnavailable, Message, Record, TopicPartition
from penstock.log.topics import ANSWERS, CATALOG_ANSWERS, COMMANDS, partition_of
from penstock.messages.envelope import CONTENT_TYPE, Received, encode_command
from penstock.messages.records import Answer, Token, decode_answer
from penstock.messages.registry import NAMES, Command
from penstock.messages.wellformed import Malformed
from penstock.runtime.ids import new_id

_logger = structlog.get_logger("penstock.gateway")

Observer: TypeAlias = Callable[[Answer], None]
_Waiting: TypeAlias = dict[tuple[str, str], set["asyncio.Future[Answer]"]]
_AGAIN: Final = 0.5


class AnswerLate(Exception):
    """The command is in the log, and nobody knows yet what became of it."""

    def __init__(self, command_id: str, token: Token, seconds: float) -> None:
        super().__init__(
            f"expected an answer within {seconds:g} s, but none came yet: the command is in the log and will be "
            f"decided; ask again with the same Idempotency-Key ({command_id}) to get it, nothing is done twice"
        )
        self.command_id, self.token = command_id, token


class Accepted(NamedTuple):
    command_id: str
    token: Token


class Order(NamedTuple):
    """A command for ``subject``. The same ``id`` again gets the same answer."""

    command: Command
    subject: str
    id: str
    topic: Literal["commands", "catalog-commands"] = "commands"
    correlation_id: str = ""
    traceparent: str = ""


class Commander:
    """``observe`` sees the answers to results of workers, those that other gateways asked for as well."""

    def __init__(self, log: Log, partitions: int, *, name: str = "", observe: Observer | None = None) -> None:
        self.name = name or f"gateway-{new_id()}"
        self.partitions = partitions
        self.observe = observe
        self.decided: dict[int, int] = {}
        """The highest position of ``commands`` of which an answer came, by partition."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._log = log
        self._sending = Sending(log)
        self._waiting: _Waiting = {}
        self._positions: dict[TopicPartition, int] = {}
        self._mark = self.name.encode()
        self._listening = asyncio.Event()

    def listening(self) -> bool:
        return self._listening.is_set()

    async def run(self) -> None:
        """Read answers until cancelled; go on where it was when the log comes back."""
        while True:
            try:
                await self._read_answers()
            except LogUnavailable as error:
                self._listening.clear()
                _logger.warning("the answers cannot be read", error=str(error))
                await asyncio.sleep(_AGAIN)

    async def close(self) -> None:
        await self._sending.close()

    async def ask(self, order: Order, timeout: float) -> Accepted:  # noqa: ASYNC109 - what to do then is the answer's business
        """
        The token of the command, once it was decided in its favour.

        Raises:
            Rejected: it was refused.
            AnswerLate: nobody answered within ``timeout`` seconds; the command stays.
            LogUnavailable: it is unknown whether it was written; the same id may be sent again.
            RecordTooLarge, Malformed: it cannot be written.

        """
        name = NAMES[type(order.command)]
        await self._listen(timeout)
        key = (order.id, order.subject)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(answered)
        try:
            token = await self.send(order, reply=True)
            try:
                async with asyncio.timeout(timeout):
                    answer = await answered
            except TimeoutError:
                self.outcomes[name, "late"] += 1
                raise AnswerLate(order.id, token, timeout) from None
        finally:
            self._forget(key, answered)
        if answer.outcome == "rejected":
            self.outcomes[name, answer.code] += 1
            raise _refusal(answer)
        self.outcomes[name, "accepted"] += 1
        return Accepted(order.id, token._replace(input_position=max(token.input_position, answer.input_position)))

    async def send(self, order: Order, *, reply: bool = False) -> Token:
        """The token of the command, once it is in the log. Raises as ``ask``."""
        received = Received(
            command=order.command,
            id=order.id,
            type=NAMES[type(order.command)],
            subject=order.subject,
            reply_to=self.name if reply else "",
            correlation_id=order.correlation_id,
            traceparent=order.traceparent,
        )
        key = root_of(order.subject).encode()
        partition = partition_of(key, self.partitions) if order.topic == COMMANDS else 0
        message = Message(key, encode_command(received), (CONTENT_TYPE,))
        position = await self._sending.send(TopicPartition(order.topic, partition), message)
        return Token("events" if order.topic == COMMANDS else "catalog", partition, position)

    async def _listen(self, timeout: float) -> None:  # noqa: ASYNC109
        """An answer that comes before anybody reads would be missed."""
        if self._listening.is_set():
            return
        try:
            async with asyncio.timeout(timeout):
                await self._listening.wait()
        except TimeoutError:
            raise LogUnavailable("expected to read the answers to commands, but the log does not give them") from None

    async def _read_answers(self) -> None:
        places = [TopicPartition(ANSWERS, number) for number in range(self.partitions)]
        places.append(TopicPartition(CATALOG_ANSWERS, 0))
        for place in places:
            if place not in self._positions:
                self._positions[place] = await self._log.end(place)
        async with await self._log.reader(self._positions) as reader:
            self._listening.set()
            while True:
                for record in await reader.read(limit=2_000, wait=1.0):
                    self._take(record)
                    self._positions[TopicPartition(record.topic, record.partition)] = record.position + 1

    def _take(self, record: Record) -> None:
        value = record.value or b""
        ours = self._mark in value
        if not ours and (self.observe is None or not (b'/complete"' in value or b'/fail"' in value)):
            return
        try:
            answer = decode_answer(value)
        except Malformed as error:
            _logger.warning("a record is not an answer", topic=record.topic, position=record.position, error=str(error))
            return
        if record.topic == ANSWERS:
            self.decided[record.partition] = max(self.decided.get(record.partition, -1), answer.input_position)
        if answer.to == self.name:
            for waiter in self._waiting.get((answer.command_id, answer.subject), ()):
                if not waiter.done():
                    waiter.set_result(answer)
        elif self.observe is not None:
            self.observe(answer)

    def _forget(self, key: tuple[str, str], waiter: asyncio.Future[Answer]) -> None:
        waiters = self._waiting.get(key, set())
        waiters.discard(waiter)
        if not waiters:
            self._waiting.pop(key, None)


def _refusal(answer: Answer) -> Rejected:
    """An engine of a later release may have codes that we do not know; they are refusals all the same."""
    if answer.code in RejectionCode.__members__:
        return Rejected(RejectionCode(answer.code), answer.detail)
    return Rejected(RejectionCode.INVALID_STATE_TRANSITION, f"{answer.code}: {answer.detail}")
