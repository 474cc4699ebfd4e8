"""Pattern 24, Persistent Trigger: a message is kept until one wait consumes it."""

from __future__ import annotations

from penstock.domain.execution import events as e
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(24, "Persistent Trigger", rating="+", how="`wait: {message: …, key: …}`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    paid_early = await stage.start(order="o-24")
    await paid_early.scheduled("send")
    await stage.message("payment", "o-24", {"amount": 10})
    await paid_early.nothing_of("receipt")
    await paid_early.complete("send")
    (receipt,) = await paid_early.scheduled("receipt")
    assert receipt.input == {"amount": 10}
    await paid_early.complete("receipt")
    assert await paid_early.ended() is None

    first, second = await stage.start(order="o-24"), await stage.start(order="o-24")
    for run in (first, second):
        await run.complete("send")
        await run.status("waiting")
        await run.nothing_of("receipt")  # it was consumed, once
    await stage.message("payment", "o-24", {"amount": 20})
    (receipt,) = await first.scheduled("receipt")  # the one that has waited longest
    assert receipt.input == {"amount": 20}
    await second.nothing_of("receipt")
    await stage.message("payment", "o-24", {"amount": 30})
    (receipt,) = await second.scheduled("receipt")
    assert receipt.input == {"amount": 30}
    for run in (first, second):
        await run.complete("receipt")
        assert await run.ended() is None
    for run in (paid_early, first, second):
        assert len(run.of(e.MessageReceived)) == run.count("scheduled", "receipt") == 1
