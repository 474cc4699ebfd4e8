"""Pattern 19, Cancel Activity: one step that is under way is withdrawn, and another way is taken."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.execution.commands import CancelStep
from tests.patterns.run import Run
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(19, "Cancel Activity", rating="+", how="`catch:` a message, or *cancel step* and `catch: [{error: …}]`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    by_message = await stage.start(parcel="p-19")
    await by_message.scheduled("search")
    await stage.message("search-withdrawn", "p-19")
    await _withdrawn(by_message)
    assert (by_message.count("cancelled", "search"), by_message.count("failed", "search")) == (1, 0)

    by_hand = await stage.start(parcel="p-19")
    await by_hand.scheduled("search")
    assert await by_hand.command(CancelStep(step="search")) == ""
    await _withdrawn(by_hand)
    (failed,) = by_hand.of(e.StepFailed)
    assert (failed.step, failed.attempt, failed.failure.code) == ("search", 1, "STEP_CANCELLED")

    found = await stage.start(parcel="p-19")
    await found.complete("search")
    assert await found.command(CancelStep(step="search")) == "STEP_NOT_OPEN"
    await found.complete("deliver")
    assert await found.ended() is None
    assert found.count("cancelled", "search") == found.count("scheduled", "apologise") == 0


async def _withdrawn(run: Run) -> None:
    await run.scheduled("apologise")
    (search,) = await run.scheduled("search")
    assert run.open("search") == []
    assert await run.late(search) == "TASK_NOT_OPEN"
    await run.nothing_of("deliver")
    await run.complete("apologise")
    assert await run.ended() is None
    assert await run.late(search) == "EXECUTION_ENDED"
    assert run.count("completed", "search") == run.count("scheduled", "deliver") == 0
    assert run.count("scheduled", "apologise") == 1
