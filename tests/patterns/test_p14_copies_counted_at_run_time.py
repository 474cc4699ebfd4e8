"""Pattern 14, Multiple Instances with a Priori Run-Time Knowledge: so many copies as the data say, then a join."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(
    14,
    "Multiple Instances with a Priori Run-Time Knowledge",
    rating="+",
    how="`each:` a template that gives a list or a number",
)
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for count in (0, 1, 5, stage.many):
        run = await stage.start(count=count)
        await run.settled()
        await run.scheduled("read", times=count)
        if count:
            await run.nothing_of("bind")
            await run.complete("read", 1, which=count // 2)
        if count > 1:
            await run.nothing_of("bind")
            await run.complete_all("read", 1)
        (bind,) = await run.scheduled("bind")
        assert bind.input == {"pages": count}
        await run.complete("bind")
        await run.ended()
        assert run.count("completed", "read") == count
        assert run.count("scheduled", "bind") == 1
