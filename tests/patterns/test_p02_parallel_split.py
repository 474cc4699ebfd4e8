"""Pattern 2, Parallel Split: one branch becomes several that are under way at once."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(2, "Parallel Split", rating="+", how="`next: [b, c]`, `parallel: [b, c]`")
test_story = STORY.tests()
BRANCHES = ("pack", "invoice", "receipt")


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("check")
    for step in BRANCHES:
        await run.nothing_of(step)
    await run.complete("check")
    for step in BRANCHES:
        await run.scheduled(step)
    for step in reversed(BRANCHES):
        await run.complete(step)
    await run.ended()
    begun = [place for step in BRANCHES for place in run.places("scheduled", step)]
    done = [place for step in BRANCHES for place in run.places("completed", step)]
    assert len(begun) == len(done) == len(BRANCHES)
    assert max(begun) < min(done)
