"""Pattern 6, Multi-Choice: any subset of the branches is taken, as the data say; that there is none is told by name."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(6, "Multi-Choice", rating="+", how="`include:`, with `otherwise` where no condition holds")
test_story = STORY.tests()
STEPS = ("stock", "credit", "fraud", "clerk")
WITHOUT_DEFAULT = """
id: multi-choice-without-default
version: 1.0.0
steps:
  checks:
    include:
      - {when: amount > 0, next: stock}
      - {when: amount > 1, next: credit}
  stock: {task: check-stock}
  credit: {task: check-credit}
"""


@STORY.told
async def story(stage: Stage) -> None:
    for amount, chosen in ((0, {"clerk"}), (1, {"stock"}), (2, {"stock", "credit"}), (3, {"stock", "credit", "fraud"})):
        run = await stage.start(amount=amount)
        for step in STEPS:
            if step in chosen:
                await run.scheduled(step)
            else:
                await run.nothing_of(step)
        for step in sorted(chosen):
            await run.complete(step)
        await run.ended()
        assert [run.count("scheduled", step) for step in STEPS] == [step in chosen for step in STEPS]
    await stage.publish(WITHOUT_DEFAULT)
    run = await stage.start_of("multi-choice-without-default", amount=0)
    assert (await run.failed()).code == "NO_BRANCH_TAKEN"
