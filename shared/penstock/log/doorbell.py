"""Wakes the readers that wait for records of a partition, when there are some."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from penstock.log.port import LogUnavailable, TopicPartition


class ReaderClosed(LogUnavailable):
    """This reader, or its log, was closed by its own process."""

    def __init__(self) -> None:
        super().__init__("expected an open reader, but it was closed")


class Doorbell:
    """Who listens for which partitions. A ring is never lost: listeners clear their event before they look."""

    def __init__(self) -> None:
        self._listeners: dict[TopicPartition, set[asyncio.Event]] = {}

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def listen(self, partitions: Iterable[TopicPartition], news: asyncio.Event) -> None:
        for partition in partitions:
            self._listeners.setdefault(partition, set()).add(news)

    def forget(self, partitions: Iterable[TopicPartition], news: asyncio.Event) -> None:
        for partition in partitions:
            listeners = self._listeners.get(partition, set())
            listeners.discard(news)
            if not listeners:
                self._listeners.pop(partition, None)

    def ring(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            for news in self._listeners.get(partition, ()):
                news.set()

    def ring_all(self) -> None:
        self.ring(list(self._listeners))


async def heard(news: asyncio.Event, seconds: float) -> bool:
    """Whether ``news`` came within ``seconds``."""
    if seconds <= 0:
        return news.is_set()
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return False
    return True
