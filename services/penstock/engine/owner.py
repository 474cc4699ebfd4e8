"""
Owns one input partition: takes it over, brings its state up to the log, then reads, decides and commits until it is
told to stop or somebody else takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from penstock.domain.partition import OwnershipTaken
from penstock.engine.arrival import Arrival, arrive
from penstock.engine.batch import Batch, timestamp
from penstock.engine.checkpoint import Checkpoints
from penstock.engine.history import follow, load_snapshots
from penstock.engine.kinds import Kind
from penstock.engine.outbox import Outbox, Topics, partition_event
from penstock.engine.partition_state import PartitionState
from penstock.log.port import Batch as LogBatch
from penstock.log.port import Fenced, Log, LogUnavailable, Ownership, Reader, TopicPartition
from penstock.runtime.clock import Clock

_logger = structlog.get_logger("penstock.engine")

IDLE: Final = 0.2
CLOCK_SKEW: Final = timedelta(seconds=2)
RETRY_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much work a transaction holds, and when a checkpoint is due (events, seconds)."""

    batch: int = 1000
    checkpoint_events: int = 100_000
    checkpoint_seconds: float = 60.0
    remember: int = 5_000_000


class ClockBehind(Exception):
    """This machine's clock is behind the log's: timers would fire late and times would lie."""


class PartitionsChanged(Exception):
    """Keys would find other partitions than those on which their executions live (decisions 4)."""

    def __init__(self, topic: str, before: int, now: int) -> None:
        super().__init__(
            f"expected topic {topic!r} to have {before} partitions, as when it was first used, but it has {now}: "
            "another number is another prefix, filled by a replay"
        )


class Owner:
    """
    One partition of ``topics.commands``. With ``snapshots`` False its whole state is made anew from the events.
    ``reach`` is the number of partitions on which the entities live that it sends commands to (its own unless given).
    """

    def __init__(
        self,
        log: Log,
        topics: Topics,
        partition: int,
        partitions: int,
        make_kind: Callable[[], Kind],
        *,
        name: str,
        clock: Clock,
        pace: Pace,
        snapshots: bool = True,
        reach: int | None = None,
    ) -> None:
        self._log, self._topics, self._partition, self._partitions = log, topics, partition, partitions
        self._make_kind, self._name, self._clock, self._pace = make_kind, name, clock, pace
        self._source = TopicPartition(topics.commands, partition)
        self._events = TopicPartition(topics.events, partition)
        self._snapshots = snapshots
        self._reach = partitions if reach is None else reach
        self._checkpoints = Checkpoints(partition)
        self._stopping = asyncio.Event()
        self._state: PartitionState | None = None
        self._uncheckpointed = 0
        self.ready = asyncio.Event()

    @property
    def topic(self) -> str:
        """The input topic."""
        return self._source.topic

    @property
    def partition(self) -> int:
        return self._partition

    @property
    def state(self) -> PartitionState | None:
        """What is known of the partition; None before it was restored and after it was lost."""
        return self._state

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Serve the partition until ``stop``, or until another owner takes it over."""
        self._stopping.clear()
        while not self._stopping.is_set():
            try:
                await self._serve()
            except Fenced:
                self._state = None
                _logger.info("partition taken over by another owner", partition=self._partition)
                return
            except LogUnavailable as error:
                self._state = None
                _logger.warning("log unavailable, taking the partition over again", why=str(error))
                await self._pause(RETRY_AFTER)
            finally:
                self.ready.clear()

    async def _serve(self) -> None:
        ownership = await self._log.take(self._source, self._mark)
        try:
            state = await self._restored()
            async with await self._log.reader({self._source: state.input_position + 1}) as reader:
                self.ready.set()
                await self._work(state, ownership, reader)
        finally:
            await ownership.release()

    def _mark(self, epoch: int, turn: int) -> LogBatch:
        taken = OwnershipTaken(owner=self._name, epoch=epoch, turn=turn, partitions=self._partitions)
        message = partition_event(taken, self._partition, -1, self._clock())
        return LogBatch(self._events.topic, self._partition, [message])

    async def _restored(self) -> PartitionState:
        """The state at the end of the log: the one kept from before, or the last checkpoint, and what came after it."""
        state = self._state
        if state is None:
            state = PartitionState(self._make_kind(), remember=self._pace.remember)
            if self._snapshots and (found := await load_snapshots(self._log, self._partition, state)):
                self._checkpoints.resume(found.marker.chunks, found.parts)
        before = state.event_position
        await follow(self._log, self._events, state)
        if state.partitions != self._partitions:
            raise PartitionsChanged(self._topics.commands, state.partitions, self._partitions)
        for _ in state.grant_full_interval(self._clock()):
            await asyncio.sleep(0)
        self._state = state
        _logger.info(
            "partition restored",
            topic=self._topics.commands,
            partition=self._partition,
            entities=len(state.entities),
            replayed=state.event_position - before,
            input_position=state.input_position,
        )
        return state

    async def _work(self, state: PartitionState, ownership: Ownership, reader: Reader) -> None:
        checkpointed_at = self._clock()
        while not self._stopping.is_set():
            records = await reader.read(limit=self._pace.batch, wait=self._wait(state))
            now = max(self._clock(), state.last_time)
            arrivals = [arrive(record) for record in records]
            if records:
                self._check_clock(records[-1].time, now)
                await state.kind.prepare(arrivals)
            behind = len(records) == self._pace.batch
            horizon = min(now, timestamp(records[-1].time)) if behind else now
            await self._decide(state, ownership, arrivals, now, horizon)
            if self._snapshots and self._checkpoint_due(checkpointed_at, now):
                await self._checkpoint(state, ownership)
                checkpointed_at = now
        if self._snapshots and self._uncheckpointed:
            await self._checkpoint(state, ownership)

    async def _decide(
        self, state: PartitionState, ownership: Ownership, arrivals: Sequence[Arrival], now: datetime, horizon: datetime
    ) -> None:
        """All of ``arrivals`` and what is due, in one transaction, or in more where one would be too large."""
        while True:
            outbox = Outbox(
                self._topics,
                self._partition,
                now,
                state.input_position,
                self._log.max_record,
                reach=self._reach,
            )
            decided = Batch(state, outbox, self._partition, self._partitions, now).run(arrivals, horizon)
            await self._commit(state, ownership, outbox, now)
            arrivals = arrivals[decided:]
            if not arrivals:
                return

    async def _commit(self, state: PartitionState, ownership: Ownership, outbox: Outbox, now: datetime) -> None:
        batches = outbox.batches()
        if not batches:
            return
        positions = await ownership.commit(batches)
        state.last_time = now
        if self._events in positions:
            written = outbox.event_records
            state.event_position = positions[self._events] + written
            self._uncheckpointed += written

    async def _checkpoint(self, state: PartitionState, ownership: Ownership) -> None:
        marker = await self._checkpoints.write(state, ownership)
        self._uncheckpointed = 0
        _logger.debug("checkpoint", partition=self._partition, entities=marker.entities, digest=marker.digest[:16])

    def _checkpoint_due(self, since: datetime, now: datetime) -> bool:
        if self._uncheckpointed >= self._pace.checkpoint_events:
            return True
        return bool(self._uncheckpointed) and (now - since).total_seconds() >= self._pace.checkpoint_seconds

    def _wait(self, state: PartitionState) -> float:
        due = state.agenda.next()
        if due is None:
            return IDLE
        return min(IDLE, max(0.0, (due - self._clock()).total_seconds()))

    def _check_clock(self, time: int, now: datetime) -> None:
        if timestamp(time) - now > CLOCK_SKEW:
            raise ClockBehind(
                f"expected this machine's clock within {CLOCK_SKEW.total_seconds()} s of the log's, but it says "
                f"{now.isoformat()} where the log says {timestamp(time).isoformat()}: set the clock"
            )

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
