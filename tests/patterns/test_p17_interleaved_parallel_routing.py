"""Pattern 17, Interleaved Parallel Routing: a partial order of steps, of which at most one is under way."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.run import Run
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(17, "Interleaved Parallel Routing", rating="+", how="`one_at_a_time: true` on a block")
test_story = STORY.tests()

BLOOD = ("draw_blood", "analyse_blood")
X_RAY = ("take_x_ray", "read_x_ray")


@STORY.told
async def story(stage: Stage) -> None:
    blood_first, x_ray_first = await stage.start(), await stage.start(x_ray_first=True)
    orders = [await _examined(run) for run in (blood_first, x_ray_first)]
    assert orders == [
        ["draw_blood", "take_x_ray", "analyse_blood", "read_x_ray"],
        ["take_x_ray", "draw_blood", "read_x_ray", "analyse_blood"],
    ]


async def _examined(run: Run) -> list[str]:
    """The order in which the four were done, one after the other."""
    order: list[str] = []
    for _ in range(4):
        await run.nothing_of("diagnose")
        (step,) = (step for step in (*BLOOD, *X_RAY) if run.open(step))
        await run.complete(step)
        order.append(step)
    await run.complete("diagnose")
    assert await run.ended() is None
    assert order == _one_at_a_time(run)
    assert order.index("draw_blood") < order.index("analyse_blood")
    assert order.index("take_x_ray") < order.index("read_x_ray")
    return order


def _one_at_a_time(run: Run) -> list[str]:
    """What was done, and that each was done before the next one was offered."""
    order, under_way = [], ""
    for event in run.events:
        match event:
            case e.TaskScheduled(step=step) if step != "diagnose":
                assert not under_way, f"{step} was begun while {under_way} was under way"
                under_way = step
            case e.TaskCompleted(step=step) if step != "diagnose":
                assert under_way == step
                order.append(step)
                under_way = ""
            case _:
                pass
    return order
