"""Reads the SQLite log: from the tail in memory where it can, else from the file, in a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from penstock.log.doorbell import Doorbell, ReaderClosed, heard
from penstock.log.port import LogUnavailable, Record, TopicPartition
from penstock.log.sqlite_chunks import fetch
from penstock.log.sqlite_courtesy import Courtesy
from penstock.log.sqlite_file import open_reader, translated
from penstock.log.sqlite_tails import Tails

_T = TypeVar("_T")


class ReadSide:
    """The connection that reads, with its thread: the event loop never waits for the disk."""

    def __init__(self, path: Path, courtesy: Courtesy) -> None:
        self._path = path
        self._courtesy = courtesy
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="penstock-log-reader")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def ask(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """The answer to ``question``, from one snapshot of the file."""
        if self._closed:
            raise LogUnavailable(f"expected the log at {self._path} to be open, but it was closed")
        self._courtesy.asked()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)
        finally:
            self._courtesy.answered()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._hang_up)
            self._thread.shutdown(wait=False)

    def _ask(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        with translated(self._path):
            if self._connection is None:
                self._connection = open_reader(self._path)
            self._connection.execute("BEGIN")
            try:
                return question(self._connection)
            finally:
                self._connection.execute("ROLLBACK")

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Lane(NamedTuple):
    """A partition and where its rows begin."""

    key: TopicPartition
    start: int


class SqliteReader:
    def __init__(
        self, lanes: Sequence[Lane], starts: Mapping[TopicPartition, int], side: ReadSide, tails: Tails, bell: Doorbell
    ) -> None:
        self._lanes = list(lanes)
        self._positions = dict(starts)
        self._ahead: dict[TopicPartition, list[Record]] = {}
        self._side, self._tails, self._doorbell = side, tails, bell
        self._news = asyncio.Event()
        self._closed = False
        bell.listen(self._positions, self._news)

    async def read(self, limit: int = 1000, wait: float = 0.0) -> Sequence[Record]:
        deadline = asyncio.get_running_loop().time() + wait
        # With time to wait, a tail that has nothing new is believed: the bell rings when the file says otherwise.
        doubting = wait <= 0
        await asyncio.sleep(0)  # a reader that never waits must not keep everybody else from running
        while not self._closed:
            self._news.clear()
            records = await self._read(limit, doubting)
            if records or doubting:
                return records
            doubting = not await heard(self._news, deadline - asyncio.get_running_loop().time())
        raise ReaderClosed

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def seek(self, partition: TopicPartition, position: int) -> None:
        self._positions[partition] = position
        self._ahead.pop(partition, None)
        self._news.set()

    async def close(self) -> None:
        self._closed = True
        self._doorbell.forget(self._positions, self._news)
        self._news.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _read(self, limit: int, doubting: bool) -> list[Record]:
        asked: set[Lane] = set()
        # Again after each answer: meanwhile another process may have written, and emptied the tails.
        while cold := [lane for lane in self._lanes if lane not in asked and self._is_cold(lane.key, doubting)]:
            asked.update(cold)
            await self._fetch({lane: self._positions[lane.key] for lane in cold}, max(limit // len(cold), 1))
        return self._serve(limit)

    async def _fetch(self, cold: Mapping[Lane, int], share: int) -> None:
        found = await self._side.ask(
            lambda connection: {
                lane: fetch(connection, lane.start, lane.key, position, share) for lane, position in cold.items()
            }
        )
        for lane, position in cold.items():
            if self._positions[lane.key] == position:  # else somebody has sought meanwhile
                self._ahead[lane.key] = found[lane]

    def _is_cold(self, key: TopicPartition, doubting: bool) -> bool:
        if self._ahead.get(key):
            return False
        warm = self._tails.read(key, self._positions[key], 1)
        return warm is None or (doubting and not warm)

    def _serve(self, limit: int) -> list[Record]:
        """Every partition gets its turn: the one that was served first comes last next time."""
        records: list[Record] = []
        for lane in self._lanes:
            found = self._next(lane.key, limit - len(records))
            if found:
                self._positions[lane.key] = found[-1].position + 1
                records += found
        if self._lanes:
            self._lanes.append(self._lanes.pop(0))
        return records

    def _next(self, key: TopicPartition, limit: int) -> Sequence[Record]:
        ahead = self._ahead.get(key)
        if ahead:
            self._ahead[key] = ahead[limit:]
            return ahead[:limit]
        return self._tails.read(key, self._positions[key], limit) or ()
