"""Pattern 18, Milestone: a step can be started while another one is open, and neither before nor after."""

from __future__ import annotations

from penstock.domain.execution.commands import StartStep
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(18, "Milestone", rating="+", how="`offers:` on the step that has to be open, and *start step*")
test_story = STORY.tests()

CHANGE = StartStep(step="change_address")


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("accept")
    assert await run.command(CHANGE) == "STEP_NOT_OFFERED"
    await run.complete("accept")
    await run.scheduled("pick")
    assert await run.command(CHANGE) == ""
    await run.scheduled("change_address")
    await run.complete("change_address")
    await run.nothing_of("ship")  # the step that offers it does not notice
    assert await run.command(CHANGE) == ""
    await run.scheduled("change_address", times=2)
    await run.complete("pick")
    await run.scheduled("ship")
    assert await run.command(CHANGE) == "STEP_NOT_OFFERED"
    await run.complete("ship")
    await run.complete("change_address")  # what was started goes on to its end
    assert await run.ended() is None
    assert run.count("scheduled", "change_address") == run.count("completed", "change_address") == 2

    unchanged = await stage.start()
    for step in ("accept", "pick", "ship"):
        await unchanged.complete(step)
    assert await unchanged.ended() is None
    assert unchanged.count("scheduled", "change_address") == 0
