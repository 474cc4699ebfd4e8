"""Pattern 32, Cancelling Partial Join: n of m branches are enough, what could still come is withdrawn."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(32, "Cancelling Partial Join", rating="+", how="`join: {enough: 2, rest: cancel}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    tasks = {who: (await run.scheduled(who))[0] for who in ("anna", "bert", "cleo")}
    await run.complete("cleo")
    await run.nothing_of("order")
    await run.complete("anna")
    await run.scheduled("order", times=1)
    assert run.count("cancelled", "bert") == 1
    assert await run.late(tasks["bert"]) == "TASK_NOT_OPEN"
    await run.complete("order")
    assert await run.ended() is None
    assert run.count("scheduled", "order") == run.count("completed", "order") == 1
    assert [run.count("completed", who) for who in ("anna", "bert", "cleo")] == [1, 0, 1]
    assert [run.count("cancelled", who) for who in ("anna", "bert", "cleo")] == [0, 1, 0]
    assert await run.late(tasks["bert"]) == "EXECUTION_ENDED"
