"""Pattern 20, Cancel Case: the whole execution is withdrawn, with everything that is under way in it."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.execution.commands import CancelExecution
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(20, "Cancel Case", rating="+", how="*cancel*")
test_story = STORY.tests()

REGISTRATION = """
id: register-resident
version: 1.0.0
steps:
  fill_in: {task: fill-in-form, next: hand_in}
  hand_in: {task: hand-in-form}
"""


@STORY.told
async def story(stage: Stage) -> None:
    await stage.publish(REGISTRATION)
    run = await stage.start()
    (pack,), (paint,) = await run.scheduled("pack"), await run.scheduled("paint")
    (registration,) = run.children()
    (fill_in,) = await registration.scheduled("fill_in")
    assert await run.command(CancelExecution(reason="we stay")) == ""
    assert await run.ended("cancelled") is None
    assert await registration.ended("cancelled") is None
    withdrawn = [event.step for event in run.of(e.StepCancelled)]
    assert withdrawn == ["registration", "cooling_off", "paint", "pack"]
    assert registration.count("cancelled", "fill_in") == 1
    before = len(run.events), len(registration.events)
    assert [await run.late(task) for task in (pack, paint)] == ["EXECUTION_ENDED"] * 2
    assert await registration.late(fill_in) == "EXECUTION_ENDED"
    assert await run.command(CancelExecution()) == "EXECUTION_ENDED"
    await run.settled()
    assert (len(run.events), len(registration.events)) == before
    assert isinstance(run.events[-1], e.ExecutionCancelled)
    assert registration.count("scheduled", "hand_in") == 0
