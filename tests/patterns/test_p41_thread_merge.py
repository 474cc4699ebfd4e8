"""Pattern 41, Thread Merge: n threads of one branch become one."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(41, "Thread Merge", rating="+", how="`join: {threads: 3}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("pack", times=3)
    for _ in range(2):
        await run.complete("pack", which=0)
        await run.nothing_of("van")
    await run.complete("pack")
    await run.scheduled("van", times=1)
    await run.complete("van")
    assert await run.ended() is None
    assert run.count("completed", "pack") == 3
    assert run.count("scheduled", "van") == 1
    assert run.places("scheduled", "van")[0] > run.places("completed", "pack")[-1]
