"""Pattern 5, Simple Merge: the branches of a choice come together; nothing waits for the one that was not taken."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(5, "Simple Merge", rating="+", how="`next` of several steps to the same one (`join: any`)")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for far, taken, other in ((True, "post", "courier"), (False, "courier", "post")):
        run = await stage.start(far=far)
        await run.scheduled(taken)
        await run.nothing_of("tell")
        await run.complete(taken)
        await run.scheduled("tell")
        await run.complete("tell", "told")
        assert await run.ended() == "told"
        assert (run.count("scheduled", taken), run.count("scheduled", other)) == (1, 0)
        assert run.count("scheduled", "tell") == 1
