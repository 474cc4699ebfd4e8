"""Pattern 22, Recursion: a workflow calls itself, to a depth that has a bound."""

from __future__ import annotations

from tests.patterns.run import Run
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(22, "Recursion", rating="+", how="`workflow:` with the definition's own id")
test_story = STORY.tests()

DEPTH = 20


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start(n=5)
    calls = await _calls(run, 5)
    for n, call, smaller in zip((2, 3, 4, 5), calls[-2::-1], (1, 2, 6, 24), strict=True):
        (task,) = await call.scheduled("multiply")
        assert task.input == {"left": n, "right": smaller}
        await call.complete("multiply", n * smaller)
    assert await run.ended() == 120
    assert [await call.ended() for call in calls] == [120, 24, 6, 2, 1]
    assert [call.count("scheduled", "multiply") for call in calls] == [1, 1, 1, 1, 0]

    endless = await stage.start(n=1000)
    assert (await endless.failed()).code == "DEPTH_LIMIT"
    calls = [endless]
    while deeper := calls[-1].children():
        calls.extend(deeper)
    assert len(calls) == DEPTH + 1
    assert [call.public_status for call in calls] == ["failed"] * len(calls)


async def _calls(run: Run, depth: int) -> list[Run]:
    """The execution and those that it has called, one within the other."""
    found = [run]
    while len(found) < depth:
        await found[-1].status("running")
        await found[-1].settled()
        (call,) = found[-1].children()
        found.append(call)
    return found
