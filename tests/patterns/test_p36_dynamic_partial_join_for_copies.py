"""Pattern 36, Dynamic Partial Join for Multiple Instances: a condition over the results says when it is enough."""

from __future__ import annotations

from penstock.domain.execution.commands import AddItems
from tests.patterns.stage import Stage, Story

STORY = Story(
    36,
    "Dynamic Partial Join for Multiple Instances",
    rating="+",
    how="`each` with a condition: `enough: sum(results) > 10`",
)
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("deliver", times=3)
    await run.complete("deliver", {"tons": 4}, which=0)
    assert await run.command(AddItems(step="deliveries", items=["moor", "wood"])) == ""
    tasks = await run.scheduled("deliver", times=5)
    assert [task.input["farm"] for task in tasks] == ["hill", "lake", "mill", "moor", "wood"]
    await run.complete("deliver", {"tons": 6}, which=2)  # the moor; ten tons are not more than ten
    await run.nothing_of("ship")
    await run.complete("deliver", {"tons": 1}, which=1)  # the mill
    (ship,) = await run.scheduled("ship", times=1)
    assert ship.input == {"loads": [4, None, 1, 6, None]}
    assert run.count("cancelled", "deliver") == 2
    assert await run.command(AddItems(step="deliveries", items=["glen"])) == "ITEMS_CLOSED"
    await run.complete("ship")
    assert await run.ended() is None
    assert run.count("scheduled", "deliver") == 5
    assert run.count("scheduled", "ship") == 1
