"""Waits until the tables have reached a consistency token; all who wait in a process share one small query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from penstock.messages.records import Token
from penstock.tables.pool import TablesUnavailable

Source: TypeAlias = tuple[str, int]
"""A topic and one of its partitions."""


class Watch:
    """``reached`` tells the input position of each partition that the tables show. It is asked only while one waits."""

    def __init__(
        self, reached: Callable[[], Awaitable[Mapping[Source, int]]], *, shortest: float = 0.005, longest: float = 0.05
    ) -> None:
        self._ask, self._shortest, self._longest = reached, shortest, longest
        self._reached: Mapping[Source, int] = {}
        self._waiting: dict[asyncio.Future[None], Token] = {}
        self._polling: asyncio.Task[None] | None = None
        self._pause = shortest

    async def wait_for(self, token: Token, timeout: float) -> bool:  # noqa: ASYNC109 - running out is an answer
        """
        Whether the tables reached ``token`` within ``timeout`` seconds.

        Raises:
            TablesUnavailable: nobody can tell.

        """
        if timeout <= 0 and not self._has(token):
            self._reached = await self._ask()
        if timeout <= 0 or self._has(token):
            return self._has(token)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = token
        self._pause = self._shortest
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="positions")
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(waiter, None)
        return True

    def _has(self, token: Token) -> bool:
        reached = self._reached.get((token.topic, token.partition))
        return reached is not None and reached >= token.input_position

    async def _poll(self) -> None:
        while self._waiting:
            try:
                self._reached = await self._ask()
            except TablesUnavailable as error:
                for waiter in self._open():
                    waiter.set_exception(TablesUnavailable(str(error)))
                self._reached = {}
            for waiter, token in self._open().items():
                if self._has(token):
                    waiter.set_result(None)
            if self._open():
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 1.5, self._longest)
            else:
                await asyncio.sleep(0)  # lets those who waited go

    def _open(self) -> Mapping[asyncio.Future[None], Token]:
        return {waiter: token for waiter, token in self._waiting.items() if not waiter.done()}
