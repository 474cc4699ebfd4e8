"""Pattern 33, Generalised AND-Join: the first of each branch meet, then the second of each, whatever their order."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(33, "Generalised AND-Join", rating="+", how="`join: all`: further tokens wait for the next round")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    await _two_of_each(stage)
    await _one_left_over(stage)


async def _two_of_each(stage: Stage) -> None:
    run = await stage.start(frames=2, engines=2)
    await run.scheduled("frame", times=2)
    await run.scheduled("engine", times=2)
    await run.complete("frame")
    await run.complete("frame")
    await run.nothing_of("car")
    await run.complete("engine")
    await run.scheduled("car", times=1)
    await run.settled()
    assert run.count("scheduled", "car") == 1  # the second frame is kept
    await run.complete("engine")
    await run.scheduled("car", times=2)
    await run.complete("car")
    await run.complete("car")
    assert await run.ended() is None
    assert run.count("scheduled", "car") == run.count("completed", "car") == 2


async def _one_left_over(stage: Stage) -> None:
    """The frame for which no engine comes is no loss in silence: the execution is parked with it, by name."""
    run = await stage.start(frames=2, engines=1)
    await run.scheduled("frame", times=2)
    await run.complete("frame")
    await run.complete("frame")
    await run.scheduled("engine")
    await run.complete("engine")
    await run.scheduled("car", times=1)
    await run.complete("car")
    failure = await run.failed()
    assert failure.code == "JOIN_UNREACHABLE"
    assert "car" in failure.message
    assert run.count("scheduled", "car") == run.count("completed", "car") == 1
