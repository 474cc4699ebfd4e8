"""Pattern 1, Sequence: a step begins when the one before it is completed."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(1, "Sequence", rating="+", how="`next: b`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    await run.scheduled("read")
    await run.nothing_of("check")
    await run.complete("read")
    await run.scheduled("check")
    await run.nothing_of("file")
    await run.complete("check")
    await run.complete("file", {"drawer": 7})
    assert await run.ended() == {"drawer": 7}
    for step in ("read", "check", "file"):
        assert (run.count("scheduled", step), run.count("completed", step)) == (1, 1)
    for before, after in (("read", "check"), ("check", "file")):
        assert run.places("completed", before) < run.places("scheduled", after)
