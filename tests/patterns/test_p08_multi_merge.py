"""Pattern 8, Multi-Merge: what follows runs once for each branch that arrives."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(8, "Multi-Merge", rating="+", how="`join: any`: each arrival enters the step")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.complete("blood")
    await run.scheduled("file", times=1)
    await run.complete("tissue")
    await run.scheduled("file", times=2)
    await run.complete("file", which=1)
    await run.scheduled("tell", times=1)
    await run.complete("file")
    await run.scheduled("tell", times=2)
    await run.complete("tell")
    await run.settled()
    assert run.public_status == "running"
    await run.complete("tell")
    await run.ended()
    for step in ("file", "tell"):
        assert (run.count("scheduled", step), run.count("completed", step)) == (2, 2)
