"""Pattern 25, Cancel Region: a set of steps is withdrawn together, and what is beside it goes on."""

from __future__ import annotations

from penstock.domain.execution.commands import CancelStep
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(25, "Cancel Region", rating="+", how="`do:`, a block, with `catch: [{message: …}]`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start(exhibition="e-25")
    (write,), (photograph,) = await run.scheduled("write"), await run.scheduled("photograph")
    await run.scheduled("hang")
    await stage.message("catalogue-dropped", "e-25")
    await run.scheduled("leaflet")
    assert [run.count("cancelled", step) for step in ("write", "photograph", "catalogue", "hang")] == [1, 1, 1, 0]
    assert [await run.late(task) for task in (write, photograph)] == ["TASK_NOT_OPEN"] * 2
    await run.complete("hang")
    await run.nothing_of("print")
    await run.complete("leaflet")
    assert await run.ended() is None
    assert run.count("completed", "hang") == run.count("scheduled", "leaflet") == 1
    assert run.count("scheduled", "print") == 0

    half_done = await stage.start(exhibition="e-25")
    await half_done.complete("write")
    await half_done.complete("hang")
    (photograph,) = await half_done.scheduled("photograph")
    await stage.message("catalogue-dropped", "e-25")
    await half_done.complete("leaflet")
    assert await half_done.ended() is None
    assert [half_done.count("cancelled", step) for step in ("write", "photograph", "hang")] == [0, 1, 0]
    assert await half_done.late(photograph) == "EXECUTION_ENDED"

    printed = await stage.start(exhibition="e-25")
    for step in ("photograph", "write"):
        await printed.complete(step)
    await printed.scheduled("print")
    assert await printed.command(CancelStep(step="catalogue")) == "STEP_NOT_OPEN"
    for step in ("print", "hang"):
        await printed.complete(step)
    assert await printed.ended() is None
    assert printed.count("scheduled", "leaflet") == 0
