"""Pattern 23, Transient Trigger: a signal is lost for whoever does not wait for it."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(23, "Transient Trigger", rating="+", how="`wait: {signal: …}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    early, late = await stage.start(), await stage.start()
    await early.scheduled("queue_up")
    await stage.signal("doors-opened")  # nobody waits
    await early.complete("queue_up")
    await early.status("waiting")
    await early.nothing_of("enter")
    await stage.signal("doors-opened")
    await early.scheduled("enter")

    await late.complete("queue_up")
    await late.status("waiting")
    await late.nothing_of("enter")  # the signal that let the other one in is gone
    third = await stage.start()
    await third.complete("queue_up")
    await third.status("waiting")
    await third.nothing_of("enter")
    await stage.signal("doors-opened")
    for run in (late, third):  # it reaches everyone who waits
        await run.scheduled("enter")
    for run in (early, late, third):
        await run.complete("enter")
        assert await run.ended() is None
        assert len(run.of(e.SignalReceived)) == run.count("scheduled", "enter") == 1
