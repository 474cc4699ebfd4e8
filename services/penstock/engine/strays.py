"""
Looks for waits that nobody will end, in all executions and in what they share, as the log tells them. Read-only.

What is under way between two entities looks like a stray for a moment; so whatever is found is looked at again, with
the events that came meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from penstock.domain.execution.events import WaitsOpened
from penstock.domain.execution.owners import Unowned, unowned
from penstock.domain.execution.state import Execution, HeldLock, OpenChild
from penstock.domain.lock.state import Lock
from penstock.domain.mailbox.state import Mailbox
from penstock.domain.signal.state import Signal, holds
from penstock.domain.subjects import lock_of, root_of
from penstock.domain.waits import Wait
from penstock.engine.by_kind import ByKind
from penstock.engine.history import committed, load_snapshots
from penstock.engine.partition_state import PartitionState
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import EVENTS, partition_of
from penstock.messages.envelope import decode_event


class Stray(NamedTuple):
    """A wait of ``subject`` (an execution, or a lock that one should hold) that nobody will end."""

    subject: str
    visit: int
    step: str
    reason: str


class Found(NamedTuple):
    executions: int
    strays: tuple[Stray, ...]


async def strays(log: Log, now: Callable[[], datetime], pause: Callable[[], Awaitable[None]]) -> Found:
    """What two looks with a ``pause`` between them both found; no second one where the first found nothing."""
    everything = _Everything(log)
    await everything.load()
    await everything.follow()
    found = set(everything.strays(now()))
    if found:
        await pause()
        await everything.follow()
        found &= set(everything.strays(now()))
    return Found(everything.executions(), tuple(sorted(found)))


class _Everything:
    """The entities of all partitions, and when waits were opened."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._partitions: list[PartitionState] = []
        self._since: list[datetime | None] = []
        self._opened: dict[str, dict[int, datetime]] = {}

    async def load(self) -> None:
        """Take the last checkpoints, so that only what came after them has to be replayed."""
        for partition in range((await self._log.topics())[EVENTS]):
            state = PartitionState(ByKind(None))
            found = await load_snapshots(self._log, partition, state)
            self._partitions.append(state)
            self._since.append(found.marker.last_time if found is not None else None)

    async def follow(self) -> None:
        for partition, state in enumerate(self._partitions):
            source = TopicPartition(EVENTS, partition)
            async for record in committed(self._log, source, state.event_position):
                value = record.value or b""
                recorded = decode_event(value)
                state.apply(recorded, value)
                state.event_position = record.position + 1
                if isinstance(recorded.event, WaitsOpened):
                    self._opened.setdefault(recorded.subject, {})[recorded.event.visit] = recorded.time

    def executions(self) -> int:
        return sum(partition.entities.counts["execution"] for partition in self._partitions)

    def strays(self, now: datetime) -> Iterator[Stray]:
        for partition, since in zip(self._partitions, self._since, strict=True):
            for entity in partition.entities:
                if isinstance(entity.state, Execution):
                    for found in self._of_execution(entity.id, entity.state, now, since):
                        yield Stray(entity.id, *found)
                elif isinstance(entity.state, Lock):
                    yield from self._of_lock(entity.id, entity.state)

    def _of_execution(self, id_: str, state: Execution, now: datetime, since: datetime | None) -> Iterator[Unowned]:
        before: Mapping[int, datetime] = dict.fromkeys(state.waits, since) if since is not None else {}
        yield from unowned(state, now, {**before, **self._opened.get(id_, {})})
        for number, visit in state.visits.items():
            if isinstance(visit, OpenChild) and self._get(visit.child) is None:
                yield Unowned(number, visit.step, f"the execution {visit.child} that it waits for is not there")
        for number, waits in state.waits.items():
            for option in waits.confirmed:
                wait = Wait(execution=id_, visit=number, option=option)
                if not _is_known(self._get(waits.sources[option]), wait):
                    yield Unowned(number, _step(state, number), f"{waits.sources[option]} does not know its wait")
        for number, held in state.locks.items():
            if held.shared and not _knows(self._get(lock_of(held.lock)), f"{id_}/{held.request or number}", held):
                yield Unowned(number, _step(state, number), f"the lock {held.lock} does not know of it")

    def _of_lock(self, id_: str, lock: Lock) -> Iterator[Stray]:
        """A lock that is held for ever keeps all others out."""
        holder = lock.holder
        if holder is None:
            return
        state = self._get(holder.execution)
        if not isinstance(state, Execution) or holder.visit not in _requests(state):
            yield Stray(id_, holder.visit, "", f"it is held by {holder.execution}, which does not know of it")

    def _get(self, subject: str) -> Any:
        partition = self._partitions[partition_of(root_of(subject).encode(), len(self._partitions))]
        entity = partition.entities.get(subject)
        return entity.state if entity is not None else None


def _requests(state: Execution) -> set[int]:
    """The numbers under which locks know the visits of an execution."""
    return {held.request or number for number, held in state.locks.items()}


def _is_known(source: object, wait: Wait) -> bool:
    match source:
        case Mailbox(waits=waits):
            return wait.key in waits
        case Signal(waits=waits, broadcasts=broadcasts):
            return holds(waits, wait) or any(holds(broadcast.waits, wait) for broadcast in broadcasts)
        case _:
            return False


def _knows(lock: object, claimant: str, held: HeldLock) -> bool:
    if not isinstance(lock, Lock):
        return False
    holds_it = lock.holder is not None and lock.holder.key == claimant
    return holds_it or (not held.granted and claimant in lock.queue)


def _step(state: Execution, number: int) -> str:
    visit = state.visits.get(number)
    return visit.step if visit is not None else ""
