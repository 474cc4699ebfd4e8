"""Pattern 31, Blocking Partial Join: a branch that comes again before all have come is held back for the next wave."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(31, "Blocking Partial Join", rating="+", how="`join: {enough: 2, rest: hold}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start(loads=2)
    for scale in ("left", "right", "spare"):
        await run.scheduled(scale, times=2)
    await run.complete("left")
    await run.complete("left")  # this one belongs to the second load, though two have arrived now
    await run.nothing_of("compare")
    await run.complete("right")
    await run.scheduled("compare", times=1)
    await run.complete("right")  # and this one, although it makes two with the one that is held back
    await run.settled()
    assert run.count("scheduled", "compare") == 1
    await run.complete("spare")  # the first load is through: those that were held back go on
    await run.scheduled("compare", times=2)
    await run.complete("spare")
    await run.complete("compare", which=0)
    await run.complete("compare")
    assert await run.ended() is None
    assert run.count("scheduled", "compare") == run.count("completed", "compare") == 2
    assert [run.count("completed", scale) for scale in ("left", "right", "spare")] == [2, 2, 2]
