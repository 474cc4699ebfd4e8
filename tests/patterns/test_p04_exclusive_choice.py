"""Pattern 4, Exclusive Choice: of several branches exactly one is taken, as the data say."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.stage import Stage, Story

STORY = Story(4, "Exclusive Choice", rating="+", how="`choose:`, or branches under `next:`")
test_story = STORY.tests()
DESKS = ("claims", "complaints", "front_desk")


@STORY.told
async def story(stage: Stage) -> None:
    for kind, desk in ((1, "claims"), (2, "complaints"), (9, "front_desk")):
        run = await stage.start(kind=kind)
        await run.scheduled(desk)
        for other in sorted(set(DESKS) - {desk}):
            await run.nothing_of(other)
        await run.complete(desk)
        await run.ended()
        assert [run.count("scheduled", each) for each in DESKS] == [each == desk for each in DESKS]
        (chosen,) = run.of(e.StepPassed)
        assert [(each.expression, each.result) for each in chosen.evaluations] == _asked(kind)


def _asked(kind: int) -> list[tuple[str, bool]]:
    """The conditions that were asked, up to the first that held."""
    asked = [("kind == 1", kind == 1), ("kind == 1 or kind == 2", kind == 2)]
    return asked[:1] if kind == 1 else asked
