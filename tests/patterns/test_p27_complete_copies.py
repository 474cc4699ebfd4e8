"""Pattern 27, Complete Multiple Instance Activity: open copies are withdrawn, and the ordinary way is taken."""

from __future__ import annotations

from penstock.domain.execution.commands import CompleteStep
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(27, "Complete Multiple Instance Activity", rating="+", how="*complete step* of an `each`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    tasks = await run.scheduled("ask", times=5)
    await run.complete("ask", 70, which=1)
    await run.complete("ask", 90, which=2)
    await run.nothing_of("award")
    assert await run.command(CompleteStep(step="tenders")) == ""
    (award,) = await run.scheduled("award")
    assert award.input == {"offers": [None, 70, None, 90, None]}
    assert run.count("cancelled", "ask") == 3
    assert [await run.late(task) for task in tasks] == ["TASK_NOT_OPEN"] * 5
    assert await run.command(CompleteStep(step="tenders")) == "STEP_NOT_OPEN"
    await run.complete("award")
    assert await run.ended() is None
    assert run.count("completed", "ask") == 2
    assert run.count("scheduled", "award") == run.count("completed", "tenders") == 1
