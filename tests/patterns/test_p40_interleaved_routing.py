"""Pattern 40, Interleaved Routing: all of some tasks, in any order, one at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from tests.patterns.stage import Stage, Story

STORY = Story(40, "Interleaved Routing", rating="+", how="`one_at_a_time: true` on a block")
EXAMINATIONS: Final = ("blood", "eyes", "heart")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    for done in range(len(EXAMINATIONS)):
        await run.settled()
        open_now = [step for step in EXAMINATIONS if run.open(step)]
        assert len(open_now) == 1, open_now
        assert sum(run.count("scheduled", step) for step in EXAMINATIONS) == done + 1
        await run.nothing_of("doctor")
        await run.complete(open_now[0])
    await run.scheduled("doctor", times=1)
    await run.complete("doctor")
    assert await run.ended() is None
    spans = sorted((run.places("scheduled", step), run.places("completed", step)) for step in EXAMINATIONS)
    assert [len(begun) for begun, _ in spans] == [1, 1, 1]
    assert all(done < begun for (_, done), (begun, _) in pairwise(spans))
    assert run.places("scheduled", "doctor") > spans[-1][1]
