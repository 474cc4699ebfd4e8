"""
Who may work on which task of a queue: pure, times come in as arguments.

An offer waits until somebody polls for it, is then held under a token until a moment, and is done when its result (or
its claim) is in the log. What was held and not done in time waits again, at its old place in the order. Everything that
is done before a position may be committed there: the low watermark of the partition.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from penstock.log.port import TopicPartition
from penstock.messages.records import Task

REMEMBERED: Final = 20_000
"""Tasks that were done lately: read again after the partitions moved, they are not offered again."""


@dataclass(eq=False, slots=True)
class Held:
    """One offer. ``place`` is None while its partition is somebody else's."""

    task: Task
    order: int
    place: tuple[TopicPartition, int] | None
    token: str = ""
    worker: str = ""
    until: datetime | None = None
    claimed: bool = False
    beaten: datetime | None = None


@dataclass(slots=True)
class _Lane:
    """The positions of a partition that are read and not yet done."""

    next: int = 0
    open: deque[int] = field(default_factory=deque)
    done: set[int] = field(default_factory=set)

    def finish(self, position: int) -> None:
        self.done.add(position)
        while self.open and self.open[0] in self.done:
            self.done.discard(self.open.popleft())

    def low(self) -> int:
        return self.open[0] if self.open else self.next


class Leases:
    """All offers of one queue in this process."""

    def __init__(self, lease: timedelta) -> None:
        self._lease = lease
        self._orders = 0
        self._waiting: dict[str, list[tuple[int, str]]] = {}
        self._unheld: dict[str, Held] = {}
        self._held: dict[str, Held] = {}
        self._expiry: list[tuple[datetime, int, str]] = []
        self._lanes: dict[TopicPartition, _Lane] = {}
        self._done: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._unheld)

    @property
    def held(self) -> int:
        return len(self._held)

    def offer(self, task: Task, partition: TopicPartition, position: int) -> bool:
        """Take over an offer that was read; whether it now waits for a worker."""
        lane = self._lanes.setdefault(partition, _Lane())
        lane.next = position + 1
        if task.id in self._done:
            return False
        lane.open.append(position)
        known = self._held.get(task.id) or self._unheld.get(task.id)
        if known is not None:
            self._settle(known)
            known.place = (partition, position)
            if known.claimed:
                self._settle(known)
            return False
        self._orders += 1
        self._wait(Held(task, self._orders, (partition, position)))
        return True

    def passed(self, partition: TopicPartition, position: int) -> None:
        """A record that is no offer was read: nothing is to be done about it."""
        self._lanes.setdefault(partition, _Lane()).next = position + 1

    def take(self, types: Sequence[str] | None, limit: int, now: datetime) -> list[Held]:
        """At most ``limit`` waiting offers of ``types``, the oldest first; those past ``start_by`` are dropped."""
        taken: list[Held] = []
        while len(taken) < limit and (found := self._oldest(types)) is not None:
            if found.task.start_by is not None and found.task.start_by < now:
                self._finish(found)
            else:
                taken.append(found)
        return taken

    def hand(self, held: Held, token: str, worker: str, now: datetime) -> datetime:
        """
        ``held`` was given to ``worker`` under ``token``; returns until when.

        Where a claim was sent already and nobody knows what became of it, the token stays: it may be repeated.
        """
        held.token = held.token if held.task.claim and held.token else token
        held.worker = worker
        self._held[held.task.id] = held
        return self._extend(held, now)

    def claim(self, held: Held, now: datetime) -> datetime:
        """The claim of a handed offer is in the log: the engine watches from now on."""
        self._settle(held)
        held.claimed, held.beaten = True, now
        return self._extend(held, now)

    def back(self, held: Held) -> None:
        """Nobody works on it after all: it waits again, at its old place."""
        self._held.pop(held.task.id, None)
        if held.place is not None:
            held.until = None
            self._wait(held)

    def find(self, task_id: str) -> Held | None:
        """The lease on a task, whoever has it."""
        return self._held.get(task_id)

    def is_done(self, task_id: str) -> bool:
        """Whether it was finished here lately."""
        return task_id in self._done

    def beat(self, held: Held, now: datetime) -> datetime:
        return self._extend(held, now)

    def finish(self, task_id: str) -> None:
        """It needs nobody any more, whether it waits or is held."""
        held = self._held.get(task_id) or self._unheld.get(task_id)
        if held is not None:
            self._finish(held)

    def expire(self, now: datetime) -> int:
        """Let those wait again that nobody finished in time; how many. What the engine watches is just forgotten."""
        again = 0
        while self._expiry and self._expiry[0][0] <= now:
            at, _, task_id = heapq.heappop(self._expiry)
            held = self._held.get(task_id)
            if held is None or held.until != at:
                continue
            if held.claimed:
                del self._held[task_id]
            else:
                self.back(held)
                again += 1
        return again

    def expires(self) -> datetime | None:
        """When ``expire`` has to be asked next."""
        while self._expiry:
            at, _, task_id = self._expiry[0]
            held = self._held.get(task_id)
            if held is not None and held.until == at:
                return at
            heapq.heappop(self._expiry)
        return None

    def positions(self) -> Mapping[TopicPartition, int]:
        """Per partition: everything before is done."""
        return {partition: lane.low() for partition, lane in self._lanes.items()}

    def revoked(self) -> None:
        """The partitions move: forget what waits, and keep what is held, because its workers go on."""
        self._lanes.clear()
        self._unheld.clear()
        self._waiting.clear()
        for held in self._held.values():
            held.place = None

    def _oldest(self, types: Sequence[str] | None) -> Held | None:
        best: list[tuple[int, str]] | None = None
        for kind in self._waiting if types is None else types:
            heap = self._waiting.get(kind)
            while heap and not self._waits(heap[0]):
                heapq.heappop(heap)
            if heap and (best is None or heap[0] < best[0]):
                best = heap
        return None if best is None else self._unheld.pop(heapq.heappop(best)[1])

    def _waits(self, entry: tuple[int, str]) -> bool:
        found = self._unheld.get(entry[1])
        return found is not None and found.order == entry[0]

    def _wait(self, held: Held) -> None:
        self._unheld[held.task.id] = held
        heapq.heappush(self._waiting.setdefault(held.task.task, []), (held.order, held.task.id))

    def _extend(self, held: Held, now: datetime) -> datetime:
        held.until = now + self._patience(held)
        heapq.heappush(self._expiry, (held.until, held.order, held.task.id))
        return held.until

    def _patience(self, held: Held) -> timedelta:
        task = held.task
        if held.claimed and task.heartbeat:
            return timedelta(seconds=3 * task.heartbeat)
        if held.claimed and task.timeout:
            return timedelta(seconds=task.timeout)
        return self._lease

    def _finish(self, held: Held) -> None:
        self._held.pop(held.task.id, None)
        self._unheld.pop(held.task.id, None)
        self._settle(held)
        self._done[held.task.id] = None
        self._done.move_to_end(held.task.id)
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _settle(self, held: Held) -> None:
        if held.place is not None:
            partition, position = held.place
            held.place = None
            lane = self._lanes.get(partition)
            if lane is not None:
                lane.finish(position)
