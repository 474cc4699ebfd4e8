"""The projector: keeps the tables up to the event log. Any number of them share the partitions of ``events``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.log.port import Log, Membership, TopicPartition
from penstock.log.topics import CATALOG, EVENTS
from penstock.projections.read_model import ReadSet
from penstock.projections.sets import READ_SETS
from penstock.projector.applier import Counts
from penstock.projector.follower import IDLE, Follower
from penstock.projector.store import Store
from penstock.runtime.clock import Clock, system_clock
from penstock.tables.pool import Pool

GROUP: Final = "penstock-projector"


class Projector:
    """
    A ``Service``. Whoever serves partition 0 of ``events`` also serves the catalog's only partition.

    Releases with different tables are different groups: during a rolling upgrade each fills its own.
    """

    name = "projector"

    def __init__(
        self,
        log: Log,
        pool: Pool,
        *,
        group: str = GROUP,
        member: str = "",
        sets: Sequence[ReadSet] = READ_SETS,
        clock: Clock = system_clock,
        idle: float = IDLE,
    ) -> None:
        self._log, self._clock, self._member, self._idle = log, clock, member, idle
        self._group = f"{group}-{_digest(sets)}"
        self._store = Store(pool, sets)
        self.counts = Counts()
        self._stopping = asyncio.Event()
        self._membership: Membership | None = None
        self._follower: Follower | None = None
        self._following: asyncio.Task[None] | None = None
        self._failed: asyncio.Future[None] | None = None

    async def run(self) -> None:
        self._failed = asyncio.get_running_loop().create_future()
        self._membership = await self._log.join(self._group, EVENTS, self, self._member)
        stopping = asyncio.create_task(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {stopping, self._failed}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                await self._failed
        finally:
            stopping.cancel()
            await self._membership.close()
            await self.revoke()

    async def stop(self) -> None:
        self._stopping.set()

    def ready(self) -> bool:
        """Whether the tables have been at the end of the log for every partition served here."""
        return self._membership is not None and (self._follower is None or self._follower.following)

    async def assign(self, partitions: frozenset[int]) -> None:
        await self.revoke()
        keys = [TopicPartition(EVENTS, number) for number in sorted(partitions) if EVENTS in self._store.sets]
        if 0 in partitions and CATALOG in self._store.sets:
            keys.append(TopicPartition(CATALOG, 0))
        if not keys:
            return
        self._follower = Follower(
            self._log,
            self._store,
            keys,
            clock=self._clock,
            counts=self.counts,
            report=self._report,
            idle=self._idle,
        )
        self._following = asyncio.create_task(self._follower.run(), name="projector")
        self._following.add_done_callback(self._ended)

    async def revoke(self) -> None:
        following, self._following, self._follower = self._following, None, None
        if following is not None:
            following.cancel()
            await asyncio.wait({following})

    async def _report(self, reached: Mapping[TopicPartition, int]) -> None:
        if self._membership is not None:
            await self._membership.report({key.partition: at for key, at in reached.items() if key.topic == EVENTS})

    def _ended(self, following: asyncio.Task[None]) -> None:
        """A follower ends by itself only through a defect of ours: the service falls with it."""
        if following.cancelled() or self._failed is None or self._failed.done():
            return
        error = following.exception()
        if error is not None:
            self._failed.set_exception(error)


def _digest(sets: Sequence[ReadSet]) -> str:
    return hashlib.sha256("".join(read_set.digest for read_set in sets).encode()).hexdigest()[:10]
