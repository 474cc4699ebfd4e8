"""Pattern 38, General Synchronizing Merge: as 37, with a loop on the way to the join."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(38, "General Synchronizing Merge", rating="+", how="`join: taken`, with a loop before it")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for corrections in range(4):
        await _print(stage, ["drawing", "text", *(["law"] if corrections % 2 else [])], corrections)
    await _print(stage, ["text"], 1)
    await _print(stage, ["drawing"], 0)


async def _print(stage: Stage, wanted: list[str], corrections: int) -> None:
    run = await stage.start(wanted=wanted, corrections=corrections)
    rounds = corrections + 1 if "text" in wanted else 0
    order = ["draw"] * ("drawing" in wanted) + ["write"] * rounds + ["ask_lawyer"] * ("law" in wanted)
    for number, step in enumerate(order, start=1):
        await run.scheduled(step, times=order[:number].count(step))
        await run.complete(step)
        if number < len(order):
            await run.nothing_of("print")
    await run.scheduled("print", times=1)
    await run.complete("print")
    assert await run.ended() is None
    assert run.count("scheduled", "print") == 1
    assert run.count("completed", "write") == rounds
    assert run.count("completed", "draw") == int("drawing" in wanted)
