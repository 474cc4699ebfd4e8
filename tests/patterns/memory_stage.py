"""
A stage of one story alone, in memory and in time of its own: calmly, or with the engine crashing at one commit, which
is then lost, or done although the engine never hears of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from penstock.engine.owner import Pace
from penstock.engine.replay import verify
from penstock.engine.service import Engine
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.port import Batch, TopicPartition
from penstock.log.topics import product_topics
from tests.patterns.stage import Ground, Stage
from tests.patterns.story import Story
from tests.patterns.watch import Watch
from tests.sim.virtual import VirtualLoop, run

PARTITIONS = 2
PACE = Pace(checkpoint_events=8)
MANY_CRASHES = 40
"""What is very many where a story is told once for each of its commits."""


class MemoryStage:
    """``fault`` meets commit number ``at`` of those that the engine makes after the story has begun."""

    def __init__(self, story: Story, loop: VirtualLoop, many: int, fault: Fault, at: int) -> None:
        self.story, self.loop, self.many = story, loop, many
        self.log = MemoryLog(clock=loop.milliseconds)
        self.log.faults.on_commit = self._on_commit
        self.commits = 0
        self.fell = False
        self._fault, self._at = fault, at
        self._chance = random.Random(story.number)
        self._begun = False
        self._down = asyncio.Event()
        self._over = asyncio.Event()

    async def perform(self) -> None:
        await self.log.apply(product_topics(PARTITIONS))
        watch = Watch(self.log, PARTITIONS)
        ground = Ground(watch=watch, new_id=self._id, alone=True, slack=0.0, patience=600.0, many=self.many)
        stage = Stage(ground, self.story.process.read_text())
        engines, watching = asyncio.create_task(self._engines()), asyncio.create_task(watch.run())
        told = asyncio.create_task(self._tell(stage))
        await asyncio.wait({engines, watching, told}, return_when=asyncio.FIRST_COMPLETED)
        self._over.set()
        await engines
        if watching.done():
            watching.result()
        told.result()
        verdicts = await verify(self.log)
        assert all(verdict.ok for verdict in verdicts), verdicts

    async def _tell(self, stage: Stage) -> None:
        await stage.open()
        self._begun = True
        await self.story.tell(stage)
        await stage.close()
        self._begun = False

    async def _engines(self) -> None:
        """One engine after the other; the next one begins when the last one has fallen."""
        while not self._over.is_set():
            engine = Engine(self.log, clock=self.loop.now, pace=PACE)
            running = asyncio.create_task(engine.run())
            ends = [asyncio.create_task(event.wait()) for event in (self._down, self._over)]
            await asyncio.wait({running, *ends}, return_when=asyncio.FIRST_COMPLETED)
            await engine.stop()
            await running
            for end in ends:
                end.cancel()
            self._down.clear()

    def _on_commit(self, _source: TopicPartition, _batches: Sequence[Batch]) -> Fault:
        """Of an engine that has fallen, nothing is written any more."""
        if self._down.is_set():
            return Fault.LOST
        self.commits += self._begun
        if self._begun and self.commits == self._at + 1 and self._fault is not Fault.NONE:
            self._down.set()
            self.fell = True
            return self._fault
        return Fault.NONE

    def _id(self) -> str:
        """A UUIDv7 of about now, the same in every telling."""
        text = f"{self.loop.milliseconds():012x}"
        return f"{text[:8]}-{text[8:]}-7{self._chance.getrandbits(12):03x}-8000-{self._chance.getrandbits(48):012x}"


def tell(story: Story, fault: Fault = Fault.NONE, at: int = -1, many: int = 1000) -> int:
    """Gives the number of commits that the engine made."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    stage = MemoryStage(story, loop, many, fault, at)
    run(stage.perform(), loop)
    assert stage.fell == (fault is not Fault.NONE), f"expected the engine to come to commit {at}"
    return stage.commits


def tell_with_crashes(story: Story, fault: Fault) -> None:
    """Once for each commit of the calm telling; the engine crashes at that one."""
    for at in range(tell(story, many=MANY_CRASHES)):
        try:
            tell(story, fault, at, MANY_CRASHES)
        except BaseException as error:
            error.add_note(f"the engine fell at commit {at} ({fault.name})")
            raise
