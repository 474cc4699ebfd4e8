"""Pattern 28, Blocking Discriminator: the first of each wave goes on; who comes again waits for the next wave."""

from __future__ import annotations

from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(28, "Blocking Discriminator", rating="+", how="`join: {enough: 1, rest: hold}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    for source in ("archive", "library", "museum"):
        await run.scheduled(source, times=2)
    await run.nothing_of("evaluate")
    waves = {"archive": 1, "archive again": 1, "library": 1, "museum": 2, "museum again": 2, "library again": 2}
    for answer, evaluations in waves.items():
        await run.complete(answer.split()[0])
        await run.scheduled("evaluate", times=evaluations)
        await run.settled()
        assert run.count("scheduled", "evaluate") == evaluations, f"after {answer}"
    assert run.places("completed", "archive")[0] < run.places("scheduled", "evaluate")[0]
    assert run.places("completed", "museum")[0] < run.places("scheduled", "evaluate")[1]
    for _ in range(2):
        await run.complete("evaluate")
    assert await run.ended() is None
    assert run.count("scheduled", "evaluate") == run.count("completed", "evaluate") == 2
    assert [run.count("completed", source) for source in ("archive", "library", "museum")] == [2, 2, 2]
