"""Pattern 37, Acyclic Synchronizing Merge: a join waits for those ways that were taken, wherever that was decided."""

from __future__ import annotations

from typing import Final

from tests.patterns.stage import Stage, Story

STORY = Story(37, "Acyclic Synchronizing Merge", rating="+", how="`include:` in two places, then `join: taken`")
STAYS: Final[tuple[list[str], ...]] = ([], ["stay"], ["stay", "hotel"], ["stay", "tour"], ["stay", "hotel", "tour"])
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for turn, stay in enumerate(STAYS):
        for flight in ([], ["flight"]):
            if flight or stay:
                await _bid_for(stage, [*flight, *stay], flight_first=turn % 2 == 0)
    run = await stage.start(wanted=[])
    assert await run.ended() is None
    assert run.count("scheduled", "bid") == 0


async def _bid_for(stage: Stage, wanted: list[str], *, flight_first: bool) -> None:
    run = await stage.start(wanted=wanted)
    order = [step for step in ("flight", "stay", "tour", "hotel") if step in wanted]
    if not flight_first and "flight" in order:
        order = [*order[1:], "flight"]
    for step in order:
        assert run.count("scheduled", "bid") == 0, wanted
        await run.scheduled(step, times=1)
        await run.complete(step)
        if step != order[-1]:
            await run.nothing_of("bid")
    await run.scheduled("bid", times=1)
    await run.complete("bid")
    assert await run.ended() is None
    assert run.count("scheduled", "bid") == run.count("completed", "bid") == 1
    assert [run.count("scheduled", step) for step in ("flight", "stay", "tour", "hotel")] == [
        int(step in wanted) for step in ("flight", "stay", "tour", "hotel")
    ]
