"""Pattern 12, Multiple Instances without Synchronization: copies are started, and nobody waits for them."""

from __future__ import annotations

from tests.patterns.stage import Stage, Story

STORY = Story(12, "Multiple Instances without Synchronization", rating="+", how="`each` with `await: false`")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    run = await stage.start(guests=["anna", "bert", "cleo"])
    invitations = await run.scheduled("invite", times=3)
    assert [task.input for task in invitations] == [
        {"guest": guest, "number": number} for number, guest in enumerate(["anna", "bert", "cleo"])
    ]
    await run.scheduled("book")
    await run.complete("book")
    for left in (3, 2, 1):
        await run.settled()
        assert run.public_status == "running"
        assert len(run.open("invite")) == left
        await run.complete("invite", which=left - 1)
    await run.ended()
    assert run.count("scheduled", "book") == 1
    assert run.count("completed", "invite") == 3
    assert run.places("completed", "book")[0] < run.places("completed", "invite")[0]
