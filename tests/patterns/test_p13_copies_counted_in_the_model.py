"""Pattern 13, Multiple Instances with a Priori Design-Time Knowledge: so many copies as the model says, then a join."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(13, "Multiple Instances with a Priori Design-Time Knowledge", rating="+", how="`each: 3`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    tasks = await run.scheduled("sign", times=3)
    assert [task.input for task in tasks] == [{"place": place} for place in range(3)]
    for which, name in ((2, "cleo"), (0, "anna"), (0, "bert")):
        await run.nothing_of("seal")
        await run.complete("sign", {"name": name}, which=which)
    (seal,) = await run.scheduled("seal")
    assert seal.input == {"signatures": ["anna", "bert", "cleo"]}
    await run.complete("seal")
    await run.ended()
    assert (run.count("scheduled", "sign"), run.count("scheduled", "seal")) == (3, 1)
