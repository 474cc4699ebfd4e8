"""Pattern 43, Explicit Termination: an end that ends everything."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(43, "Explicit Termination", rating="+", how="`finish: true`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    (advertising,) = await run.scheduled("advertising")
    await run.scheduled("viewing")
    await run.complete("viewing")
    assert await run.ended() is None
    assert run.count("cancelled", "advertising") == 1
    assert run.count("completed", "advertising") == 0
    assert run.places("cancelled", "advertising") > run.places("completed", "viewing")
    assert await run.late(advertising) == "EXECUTION_ENDED"
