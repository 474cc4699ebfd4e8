"""Pattern 9, Structured Discriminator: the first branch goes on, the others have no effect; then it is ready again."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.stage import Stage, Story

STORY = Story(9, "Structured Discriminator", rating="+", how="`join: {enough: 1, rest: ignore}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start()
    for question, (first, *others) in enumerate([("cleo", "anna", "bert"), ("anna", "bert", "cleo")], start=1):
        for person in (first, *others):
            await run.scheduled(person, times=question)
        await run.complete(first)
        await run.scheduled("use", times=question)
        await run.complete("use")
        for other in others:
            await run.settled()
            assert run.count("completed", "questions") == 0
            assert run.count("scheduled", first) == question
            await run.complete(other)
    await run.ended()
    assert run.count("scheduled", "use") == run.count("completed", "use") == 2
    assert not run.of(e.StepCancelled)
    for person in ("anna", "bert", "cleo"):
        assert run.count("completed", person) == 2
    assert [event.ends for event in run.of(e.BranchArrived)] == [False, False, True] * 2
