"""Pattern 42, Thread Split: one thread becomes n on one branch."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(42, "Thread Split", rating="+", how="`threads: 3`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("order")
    await run.nothing_of("pack")
    await run.complete("order")
    tasks = await run.scheduled("pack", times=3)
    assert len({task.id for task in tasks}) == 3
    for left in (2, 1, 0):
        await run.complete("pack", which=left)
        if left:
            await run.status("running")
    assert await run.ended() is None
    assert run.count("completed", "order") == 1
    assert run.count("scheduled", "pack") == run.count("completed", "pack") == 3
