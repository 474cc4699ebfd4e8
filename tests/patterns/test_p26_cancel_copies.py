"""Pattern 26, Cancel Multiple Instance Activity: all open copies are withdrawn, and another way is taken."""

from __future__ import annotations

from penstock.domain.execution.commands import CancelStep
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(
    26, "Cancel Multiple Instance Activity", rating="+", how="*cancel step* of an `each`, and `catch: [{error: …}]`"
)
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    tasks = await run.scheduled("ask", times=5)
    for _ in range(2):
        await run.complete("ask")
    assert await run.command(CancelStep(step="tenders", reason="no money")) == ""
    await run.scheduled("call_off")
    assert run.count("cancelled", "ask") == 3
    assert run.open("ask") == []
    assert [await run.late(task) for task in tasks] == ["TASK_NOT_OPEN"] * 5
    await run.nothing_of("award")
    await run.complete("call_off")
    assert await run.ended() is None
    assert run.count("completed", "ask") == 2
    assert run.count("scheduled", "award") == run.count("completed", "tenders") == 0
    assert run.count("scheduled", "call_off") == 1
