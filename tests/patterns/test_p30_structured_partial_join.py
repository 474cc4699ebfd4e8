"""Pattern 30, Structured Partial Join: n of m branches are enough, the others have no effect, then it begins anew."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(30, "Structured Partial Join", rating="+", how="`join: {enough: 2, rest: ignore}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    for chapter, (first, second, third) in enumerate([("anna", "bert", "cleo"), ("cleo", "anna", "bert")], start=1):
        for reviewer in (first, second, third):
            await run.scheduled(reviewer, times=chapter)
        await run.complete(first)
        await run.settled()
        assert run.count("scheduled", "edit") == chapter - 1
        await run.complete(second)
        await run.scheduled("edit", times=chapter)
        await run.complete("edit")
        await run.settled()
        assert run.count("scheduled", first) == chapter  # the next chapter waits for the third review
        await run.complete(third)
    assert await run.ended() is None
    assert run.count("scheduled", "edit") == run.count("completed", "edit") == 2
    assert [run.count("completed", reviewer) for reviewer in ("anna", "bert", "cleo")] == [2, 2, 2]
    assert not any(run.count("cancelled", reviewer) for reviewer in ("anna", "bert", "cleo"))
