"""Pattern 7, Structured Synchronizing Merge: a join waits for exactly those branches that a multi-choice has taken."""

from __future__ import annotations

from itertools import product

from tests.patterns.stage import Stage, Story

STORY = Story(7, "Structured Synchronizing Merge", rating="+", how="`include:` and `join: taken`")
test_story = STORY.tests()
CHECKS = ("stock", "credit", "fraud")


@STORY.told
async def story(stage: Stage) -> None:
    """All eight subsets; in each the last one to be completed is another."""
    for number, wanted in enumerate(product([False, True], repeat=3)):
        given = dict(zip(CHECKS, wanted, strict=True))
        chosen = [check for check in CHECKS if given[check]]
        chosen = chosen[number % 3 :] + chosen[: number % 3]
        run = await stage.start(**given)
        for check in chosen:
            await run.nothing_of("decide")
            await run.complete(check)
        await run.scheduled("decide")
        await run.complete("decide", chosen)
        assert await run.ended() == chosen
        assert [run.count("scheduled", check) for check in CHECKS] == list(wanted)
        assert run.count("scheduled", "decide") == 1
