"""Pattern 11, Implicit Termination: an execution is completed when nothing is left to do, and not before."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(11, "Implicit Termination", rating="+", how="no `next`: a path ends; the last one ends the execution")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for order in (("bill", "pack", "ship"), ("pack", "bill", "ship"), ("pack", "ship", "bill")):
        run = await stage.start()
        for step in order:
            await run.settled()
            assert run.public_status == "running"
            await run.complete(step)
        await run.ended()
        assert [run.count("completed", step) for step in order] == [1, 1, 1]
