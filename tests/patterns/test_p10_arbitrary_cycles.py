"""Pattern 10, Arbitrary Cycles: a cycle drawn with transitions, with several ways in and out."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.stage import Run, Stage, Story

STORY = Story(10, "Arbitrary Cycles", rating="+", how="`next` to an earlier step")
test_story = STORY.tests()
PLANNED = {
    0: ["plan", "write", "review", "publish"],
    1: ["plan", "write", "review", "publish"],
    2: ["plan", "write", "review", "write", "review", "publish"],
    3: ["plan", "write", "review", "write", "review", "write", "review", "publish"],
}
COLLECTED = {
    0: ["collect", "review", "publish"],
    1: ["collect", "review", "publish"],
    2: ["collect", "review", "write", "review", "publish"],
    3: ["collect", "review", "write", "review", "write", "review", "publish"],
}
WITHDRAWN = ["plan", "write", "review", "write", "withdraw"]


@STORY.told
async def story(stage: Stage) -> None:
    """What was worked out by hand for each number of reviews, from either way in; and the other way out."""
    for has_text, expected in ((False, PLANNED), (True, COLLECTED)):
        for wanted, steps in expected.items():
            await _walk(await stage.start(has_text=has_text, wanted=wanted), steps)
    await _walk(await stage.start(has_text=False, wanted=3, withdrawn_after=1), WITHDRAWN)


async def _walk(run: Run, steps: list[str]) -> None:
    for number, step in enumerate(steps):
        await run.scheduled(step, times=steps[: number + 1].count(step))
        await run.complete(step)
    await run.ended()
    assert [event.step for event in run.of(e.TaskScheduled)] == steps
