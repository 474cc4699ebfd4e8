"""Pattern 35, Cancelling Partial Join for Multiple Instances: n of m copies are enough, the others are withdrawn."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(
    35, "Cancelling Partial Join for Multiple Instances", rating="+", how="`each` with `enough: 3, rest: cancel`"
)
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    tasks = await run.scheduled("search", times=5)
    for _ in range(2):
        await run.complete("search", {"found": "a coin"}, which=1)  # in the cellar, then in the garden
    await run.nothing_of("report")
    await run.complete("search", {"found": "a key"}, which=2)  # of attic, kitchen and shed
    (report,) = await run.scheduled("report", times=1)
    assert report.input == {"finds": [None, "a coin", "a coin", None, "a key"]}
    assert run.count("cancelled", "search") == 2
    assert [await run.late(tasks[number]) for number in (0, 3)] == ["TASK_NOT_OPEN"] * 2
    await run.complete("report")
    assert await run.ended() is None
    assert (run.count("completed", "search"), run.count("cancelled", "search")) == (3, 2)
    assert run.count("scheduled", "report") == 1
