"""Pattern 15, Multiple Instances without a Priori Run-Time Knowledge: copies are added while others are under way."""

from __future__ import annotations

from penstock.domain.execution.commands import AddItems
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(
    15,
    "Multiple Instances without a Priori Run-Time Knowledge",
    rating="+",
    how="`each`, and *add items* while it is open",
)
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start(witnesses=["ann", "bob"])
    await run.scheduled("hear", times=2)
    assert await run.command(AddItems(step="hearings", items=["cyd"])) == ""
    tasks = await run.scheduled("hear", times=3)
    assert [task.input for task in tasks] == [{"witness": "ann"}, {"witness": "bob"}, {"witness": "cyd"}]
    await run.complete("hear", "saw nothing", which=0)
    await run.complete("hear", "saw it all", which=0)
    await run.nothing_of("report")  # the one that was added is waited for
    await run.complete("hear", "heard it")
    (report,) = await run.scheduled("report")
    assert report.input == {"statements": ["saw nothing", "saw it all", "heard it"]}
    assert await run.command(AddItems(step="hearings", items=["dan"])) == "ITEMS_CLOSED"
    await run.complete("report")
    assert await run.ended() is None
    assert await run.command(AddItems(step="hearings", items=["eve"])) == "EXECUTION_ENDED"
    assert run.count("scheduled", "hear") == run.count("completed", "hear") == 3
    assert run.count("scheduled", "report") == 1
