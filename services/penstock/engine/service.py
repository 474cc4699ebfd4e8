"""The engine: owns partitions of the commands topic and of the catalog as long as its group gives them to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from penstock.domain.definition.model import Transport
from penstock.engine.following import DefinitionsFollower
from penstock.engine.owner import Owner, Pace
from penstock.engine.wiring import Wiring
from penstock.log.port import Log, Membership, TopicMissing
from penstock.log.topics import CATALOG_COMMANDS, COMMANDS
from penstock.runtime.clock import Clock, system_clock

REPORT_EVERY: Final = 5.0
"""Seconds."""


class Engine:
    """
    One process of the group ``group``. ``member`` is a name of its own that survives a restart (static membership);
    ``default_transport`` that of queues which no definition declares.
    """

    name = "engine"

    def __init__(
        self,
        log: Log,
        *,
        group: str = "penstock-engine",
        member: str = "",
        clock: Clock = system_clock,
        pace: Pace | None = None,
        default_transport: Transport = "log",
    ) -> None:
        self._log, self._group, self._member, self._clock = log, group, member, clock
        self._pace = pace or Pace()
        self._default_transport = default_transport
        self._definitions = DefinitionsFollower(log)
        self._stopping = asyncio.Event()
        self._shares: list[_Share] = []

    async def run(self) -> None:
        """Serve until ``stop``; every partition is handed over with a checkpoint."""
        wiring = await self._wiring()
        self._shares = [
            _Share(wiring.catalog_owner),
            _Share(lambda partition: wiring.entity_owner(partition, self._definitions)),
        ]
        memberships: list[Membership] = []
        try:
            await self._definitions.catch_up()
            for share, topic in zip(self._shares, (CATALOG_COMMANDS, COMMANDS), strict=True):
                group = f"{self._group}-{topic}"
                memberships.append(await self._log.join(group, topic, share, self._member))
            await self._until_stopped(memberships)
        finally:
            for membership in reversed(memberships):
                await membership.close()
            for share in self._shares:
                await share.revoke()
            await self._definitions.close()

    async def stop(self) -> None:
        self._stopping.set()

    def ready(self) -> bool:
        """Whether every partition given to this process is being served."""
        return bool(self._shares) and all(share.ready() for share in self._shares)

    def owners(self) -> list[Owner]:
        """The owners at work, of the catalog and of the executions."""
        return [owner for share in self._shares for owner in share.serving()]

    async def _wiring(self) -> Wiring:
        counts = await self._log.topics()
        for topic in (COMMANDS, CATALOG_COMMANDS):
            if topic not in counts:
                raise TopicMissing(topic)
        return Wiring(
            log=self._log,
            partitions=counts[COMMANDS],
            name=self._member or self._group,
            clock=self._clock,
            pace=self._pace,
            default_transport=self._default_transport,
        )

    async def _until_stopped(self, memberships: Sequence[Membership]) -> None:
        """Raises what made an owner fall: a defect halts the process rather than pass over a record."""
        stopping = asyncio.create_task(self._stopping.wait())
        watched = [asyncio.create_task(share.failure()) for share in self._shares]
        watched.append(asyncio.create_task(self._report(memberships)))
        try:
            done, _ = await asyncio.wait({stopping, *watched}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
        finally:
            for task in (stopping, *watched):
                task.cancel()

    async def _report(self, memberships: Sequence[Membership]) -> None:
        """Tell lag tools how far the partitions are read; where the place in the group is lost, this raises."""
        while True:
            await asyncio.sleep(REPORT_EVERY)
            for membership, share in zip(memberships, self._shares, strict=True):
                await membership.report(share.positions())


class _Share:
    """The partitions of one topic that the group gives to this process, each with its owner at work."""

    def __init__(self, make: Callable[[int], Owner]) -> None:
        self._make = make
        self._owners: dict[int, Owner] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._assigned: frozenset[int] | None = None

    async def assign(self, partitions: frozenset[int]) -> None:
        self._assigned = partitions
        for partition in sorted(partitions - self._running.keys()):
            owner = self._owners.setdefault(partition, self._make(partition))
            task = asyncio.create_task(owner.run(), name=f"partition-{partition}")
            task.add_done_callback(self._done)
            self._running[partition] = task

    async def revoke(self) -> None:
        """Stop all owners cleanly. Their states are kept, in case the partition comes back."""
        running, self._running = self._running, {}
        for partition in running:
            self._owners[partition].stop()
        if running:
            await asyncio.wait(running.values())

    def ready(self) -> bool:
        return self._assigned is not None and all(self._owners[p].ready.is_set() for p in self._running)

    def serving(self) -> list[Owner]:
        return [self._owners[partition] for partition in sorted(self._running)]

    def positions(self) -> dict[int, int]:
        """The next command of each partition that is being served."""
        states = {partition: self._owners[partition].state for partition in self._running}
        return {partition: state.input_position + 1 for partition, state in states.items() if state is not None}

    async def failure(self) -> None:
        await asyncio.shield(self._failed)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failed.done():
            return
        if (error := task.exception()) is not None:
            self._failed.set_exception(error)
