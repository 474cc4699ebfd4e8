"""Pattern 3, Synchronization: a step waits for all branches that lead to it, and is entered once."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(3, "Synchronization", rating="+", how="`join: all`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for first, second in (("pack", "pay"), ("pay", "pack")):
        run = await stage.start()
        await run.scheduled(first)
        await run.scheduled(second)
        await run.complete(first)
        await run.nothing_of("ship")
        await run.complete(second)
        await run.scheduled("ship")
        await run.complete("ship")
        await run.ended()
        assert run.count("scheduled", "ship") == 1
        assert run.places("completed", second) < run.places("scheduled", "ship")
