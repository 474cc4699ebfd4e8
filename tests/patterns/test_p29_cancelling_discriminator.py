"""Pattern 29, Cancelling Discriminator: the first of several branches goes on, and the others are withdrawn."""

from __future__ import annotations

from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(29, "Cancelling Discriminator", rating="+", how="`join: {enough: 1, rest: cancel}`")
test_story = STORY.tests()

COURIERS = ("bicycle", "van", "drone")


@STORY.told
async def story(stage: Stage) -> None:
    for first in COURIERS:
        run = await stage.start()
        tasks = {courier: (await run.scheduled(courier))[0] for courier in COURIERS}
        await run.nothing_of("hand_over")
        await run.complete(first)
        await run.scheduled("hand_over")
        others = [courier for courier in COURIERS if courier != first]
        assert [run.count("cancelled", courier) for courier in others] == [1, 1]
        assert run.count("cancelled", first) == 0
        assert [await run.late(tasks[courier]) for courier in others] == ["TASK_NOT_OPEN"] * 2
        await run.complete("hand_over")
        assert await run.ended() is None
        assert [await run.late(tasks[courier]) for courier in others] == ["EXECUTION_ENDED"] * 2
        assert [run.count("completed", courier) for courier in others] == [0, 0]
        assert run.count("scheduled", "hand_over") == 1
