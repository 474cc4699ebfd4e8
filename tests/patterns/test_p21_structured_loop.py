"""Pattern 21, Structured Loop: a body is run again and again, with its condition before or after it."""

from __future__ import annotations

from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(21, "Structured Loop", rating="+", how="`while:` and `until:` with a body")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for coats, sanded, painted in ((0, 0, 1), (3, 3, 3)):
        run = await stage.start(coats=coats)
        for turn in range(1, sanded + 1):
            await run.scheduled("sand", times=turn)
            await run.nothing_of("paint")
            await run.complete("sand")
        for turn in range(1, painted + 1):
            await run.scheduled("paint", times=turn)
            await run.nothing_of("deliver")
            await run.complete("paint")
        await run.scheduled("deliver")
        await run.complete("deliver")
        assert await run.ended() is None
        assert [run.count("completed", step) for step in ("sand", "paint", "deliver")] == [sanded, painted, 1]
        assert [run.count("scheduled", step) for step in ("sand", "paint", "deliver")] == [sanded, painted, 1]
