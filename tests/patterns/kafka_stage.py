"""
All stories at once on Kafka, with one engine in a process of its own: calmly, or killed (SIGKILL) whenever every story
has come to a place of its own. One kill serves all stories, and hits them in the middle of what that step asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence

from penstock.engine.replay import verify
from penstock.log.open import open_log
from penstock.log.topics import product_topics
from penstock.runtime.ids import new_id
from tests.patterns.stage import Ground, Step
from tests.patterns.story import Story
from tests.patterns.telling import Results, tell_all
from tests.patterns.watch import Watch

PARTITIONS = 2
MEMBER = "engine"
LONGEST = 0.1
"""Seconds between the step and the kill, at most."""

Places = Mapping[int, Collection[int]]
"""Number of a story -> its steps, from 0, at which the engine is killed."""
Progress = Callable[[int], None]
"""Called with the number of the kill before each."""


async def tell_on_kafka(
    stories: Sequence[Story],
    bootstrap: str,
    places: Places | None = None,
    seed: int = 0,
    progress: Progress = lambda kill: None,
) -> Results:
    """On topics of their own. Without ``places`` nothing is killed; ``seed`` says how soon after a step."""
    url, prefix = f"kafka://{bootstrap}", f"patterns-{uuid.uuid4().hex[:10]}"
    log = await open_log(url, prefix)
    await log.apply(product_topics(PARTITIONS))
    watch = Watch(log, PARTITIONS)
    watching = asyncio.create_task(watch.run())
    kills = _Kills([story.number for story in stories], places or {}, random.Random(seed), progress)
    async with _Engine(url, prefix) as engine:
        killing = asyncio.create_task(kills.run(engine))
        telling = asyncio.create_task(
            tell_all(
                stories,
                Ground(watch=watch, new_id=new_id),
                step_of=kills.step_of,
                ended=lambda story: kills.ended(story.number),
            )
        )
        fallen = asyncio.create_task(engine.fallen())
        await asyncio.wait({telling, fallen, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            telling.cancel()
            killing.cancel()
            for task in (fallen, watching):
                if task.done():
                    task.result()
        results = await telling
        await killing
        fallen.cancel()
    watching.cancel()
    verdicts = await verify(log)
    assert all(verdict.ok for verdict in verdicts), verdicts
    await log.close()
    return results


class _Kills:
    """At a place, stories wait for one another; then all go on, and the engine is killed a moment later."""

    def __init__(self, stories: Sequence[int], places: Places, chance: random.Random, progress: Progress) -> None:
        self._places, self._chance, self._progress = places, chance, progress
        self._calls = dict.fromkeys(stories, 0)
        self._left = {story: len(places.get(story, ())) for story in stories}
        self._waiting: set[int] = set()
        self._news, self._release = asyncio.Event(), asyncio.Event()

    def step_of(self, story: Story) -> Step:
        async def step() -> None:
            call = self._calls[story.number]
            self._calls[story.number] += 1
            if call in self._places.get(story.number, ()):
                self._left[story.number] -= 1
                self._waiting.add(story.number)
                self._news.set()
                await self._release.wait()

        return step

    def ended(self, story: int) -> None:
        """Nobody need wait for ``story`` any longer."""
        self._left.pop(story)
        self._news.set()

    async def run(self, engine: _Engine) -> None:
        kill = 0
        while await self._gathered():
            kill += 1
            self._progress(kill)
            release, self._release = self._release, asyncio.Event()
            self._waiting.clear()
            release.set()
            await asyncio.sleep(self._chance.random() * LONGEST)
            await engine.kill()
            await engine.start()

    async def _gathered(self) -> bool:
        """Wait until each story is at its next place, if it has one; False: none has."""
        while {story for story, left in self._left.items() if left} - self._waiting:
            self._news.clear()
            await self._news.wait()
        return bool(self._waiting)


class _Engine:
    """A process at a time; each is killed in the end."""

    def __init__(self, url: str, prefix: str) -> None:
        self._arguments = (url, prefix, MEMBER)
        self._process: asyncio.subprocess.Process | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed where the engine is left

    async def __aenter__(self) -> _Engine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._words.close()

    async def start(self) -> None:
        module = "tests.integration.engine.engine_process"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *self._arguments, stdout=asyncio.subprocess.PIPE, stderr=self._words
        )
        self._process = process
        assert process.stdout is not None
        async for line in process.stdout:
            if line == b"ready\n":
                self._reading = asyncio.create_task(_drain(process.stdout))
                return
        raise AssertionError(f"the engine ended before it was ready: {self._last_words()}")

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            assert await process.wait() == -signal.SIGKILL, self._last_words()

    async def fallen(self) -> None:
        """
        Raises:
            AssertionError: the engine ended although nobody had killed it.

        """
        while True:
            process = self._process
            if process is None:
                await asyncio.sleep(0.1)
                continue
            await process.wait()
            if self._process is process:
                raise AssertionError(f"the engine fell: {self._last_words()}")

    def _last_words(self) -> str:
        self._words.seek(0)
        return self._words.read().decode(errors="replace")[-4000:]


async def _drain(stream: asyncio.StreamReader) -> None:
    async for _ in stream:
        pass
