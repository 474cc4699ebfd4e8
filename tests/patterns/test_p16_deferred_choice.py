"""Pattern 16, Deferred Choice: the first of several events decides, and what did not happen is no longer waited for."""

from __future__ import annotations

from datetime import timedelta

from penstock.domain.execution import events as e
from tests.patterns.run import Run
from tests.patterns.stage import Stage
from tests.patterns.story import Story

STORY = Story(16, "Deferred Choice", rating="+", how="`first:` with messages and a time")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    accepted = await stage.start(offer="o-16")
    await accepted.status("waiting")
    await stage.message("offer-accepted", "o-16", {"by": "ann"})
    (book,) = await accepted.scheduled("book")
    assert book.input == {"offer": "o-16", "by": "ann"}

    # nobody waits for it any more: it is kept, and decides the next one
    await stage.message("offer-declined", "o-16")
    await _decided(accepted, "book")
    declined = await stage.start(offer="o-16")
    await declined.scheduled("archive")
    await _decided(declined, "archive")

    reminded = await stage.start(offer="o-16", patience="2s")
    await reminded.nothing_of("book")
    await stage.passes(2)
    await reminded.scheduled("remind")
    times = {type(recorded.event): recorded.time for recorded in stage.watch.events[reminded.id]}
    assert times[e.TimerFired] - times[e.WaitsOpened] >= timedelta(seconds=2)
    await stage.message("offer-accepted", "o-16", {"by": "bob"})
    await _decided(reminded, "remind")
    late = await stage.start(offer="o-16")
    (book,) = await late.scheduled("book")
    assert book.input == {"offer": "o-16", "by": "bob"}
    await _decided(late, "book")


async def _decided(run: Run, by: str) -> None:
    """One event has won, the others' waits are gone, and only the step behind it is run."""
    await run.settled()
    won = [event for event in run.events if isinstance(event, e.MessageReceived | e.TimerFired)]
    (closed,) = run.of(e.WaitsClosed)
    assert len(won) == 1
    assert {won[0].option, *(wait.option for wait in closed.waits)} == {0, 1} | ({2} if by == "remind" else set())
    assert won[0].option == {"book": 0, "archive": 1, "remind": 2}[by]
    await run.complete(by)
    assert await run.ended() is None
    assert [run.count("scheduled", step) for step in ("book", "archive", "remind")] == [
        int(step == by) for step in ("book", "archive", "remind")
    ]
