"""Many stories at once on one ground, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.patterns.stage import Ground, Stage, Step
from tests.patterns.story import Story

Look = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``error`` is why the story did not go well; ``calls`` the number of its steps."""

    error: BaseException | None
    calls: int


Results = Mapping[int, Told]
"""By the numbers of the stories."""


async def tell_all(
    stories: Sequence[Story],
    ground: Ground,
    *,
    step_of: Callable[[Story], Step] | None = None,
    ended: Callable[[Story], None] | None = None,
    look: Look | None = None,
) -> Results:
    """All ``stories`` concurrently; ``look`` is taken at the end of each, which then has ``ended``."""

    async def tell(story: Story) -> Told:
        stage = Stage(ground, story.process.read_text(), step_of(story) if step_of else None)
        error = await asyncio.gather(_tell(story, stage, look), return_exceptions=True)
        if ended is not None:
            ended(story)
        return Told(error=error[0], calls=stage.calls)

    told = await asyncio.gather(*(tell(story) for story in stories))
    return {story.number: each for story, each in zip(stories, told, strict=True)}


async def _tell(story: Story, stage: Stage, look: Look | None) -> None:
    await stage.open()
    await story.tell(stage)
    await stage.close()
    if look is not None:
        await look(stage)


def assert_told(story: Story, results: Results) -> None:
    """Raises what went wrong in ``story``."""
    error = results[story.number].error
    if error is not None:
        raise error
