"""Pattern 34, Static Partial Join for Multiple Instances: n of m copies are enough, the others end without effect."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(34, "Static Partial Join for Multiple Instances", rating="+", how="`each` with `enough: 3, rest: ignore`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("offer", times=5)
    for which, price in ((4, 50), (0, 10)):
        await run.complete("offer", {"price": price}, which=which)
    await run.nothing_of("compare")
    await run.complete("offer", {"price": 30}, which=1)
    (compare,) = await run.scheduled("compare", times=1)
    assert compare.input == {"prices": [10, None, 30, None, 50]}
    await run.complete("compare")
    for price in (20, 40):
        await run.complete("offer", {"price": price})
    assert await run.ended() is None
    assert run.count("scheduled", "offer") == run.count("completed", "offer") == 5
    assert run.count("scheduled", "compare") == 1
    assert run.count("cancelled", "offer") == 0
