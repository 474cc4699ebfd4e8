from __future__ import annotations

from typing import Any

from penstock.domain.execution.commands import ConfirmWait, DeliverSignal
from penstock.domain.payloads import MAX_BYTES
from penstock.domain.rejected import RejectionCode
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.signal.decide import MAX_DELIVERIES, decide
from penstock.domain.signal.events import SignalBroadcast, SignalDelivered
from penstock.domain.signal.evolve import evolve
from penstock.domain.signal.react import react
from penstock.domain.signal.state import AT_ONCE, NOBODY, Signal, due_at
from penstock.domain.subjects import signal_of
from penstock.domain.waits import Wait, WaitClosed, WaitOpened
from tests.domain.shared_story import Story, closes, opens

SUBJECT = signal_of("stock-taking")


def given(waits: int = 0) -> Story:
    """``waits`` are open."""
    state = NOBODY
    for number in range(waits):
        state = evolve(state, WaitOpened(execution=f"e{number}", visit=1, option=0))
    return Story(
        decide=lambda state, command, now: decide(state, command),
        evolve=evolve,
        react=lambda event: react(SUBJECT, event),
        due_at=due_at,
        nothing=state,
    )


def broadcast(payload: Any = None) -> BroadcastSignal:
    return BroadcastSignal(payload=payload, by="ann")


def wait(execution: str = "x") -> Wait:
    return Wait(execution=execution, visit=1, option=0)


def reached(story: Story) -> list[str]:
    """The executions that the last events told of the signal."""
    sent = [effect for event in story.events for effect in story.react(event)]
    assert all(isinstance(effect.command, DeliverSignal) for effect in sent)
    return [effect.subject for effect in sent]


def test_an_opened_wait_is_confirmed() -> None:
    story = given().when(opens()).then(WaitOpened(execution="x", visit=1, option=0))
    story.then_sends(("x", ConfirmWait(visit=1, option=0)))
    story.again(opens())


def test_a_signal_reaches_who_waits_and_the_wait_is_over() -> None:
    story = given().when(opens()).when(broadcast({"n": 1}))
    story.then(SignalBroadcast(waits=1, payload={"n": 1}, by="ann"), SignalDelivered(waits=(wait(),), payload={"n": 1}))
    story.then_sends(("x", DeliverSignal(visit=1, option=0, name="stock-taking", payload={"n": 1})))
    story.when(broadcast()).then(SignalBroadcast(by="ann"))


def test_a_signal_that_nobody_waits_for_is_lost() -> None:
    story = given().when(broadcast()).then(SignalBroadcast(by="ann")).then_sends()
    story.when(opens()).then(WaitOpened(execution="x", visit=1, option=0))
    assert due_at(story.state) is None


def test_a_closed_wait_is_not_reached() -> None:
    story = given().when(opens()).when(closes()).then(WaitClosed(execution="x", visit=1, option=0))
    story.again(closes())
    story.when(broadcast()).then(SignalBroadcast(by="ann"))
    assert story.state == Signal()


def test_closing_a_wait_that_nobody_opened_is_no_matter() -> None:
    given().when(closes()).then()


def test_a_signal_reaches_everybody_once_in_bounded_bites() -> None:
    story = given(waits=5000).when(broadcast("now"))
    found = reached(story)
    assert story.events[0] == SignalBroadcast(waits=5000, payload="now", by="ann")
    while due_at(story.state) == AT_ONCE:
        story.passes(0)
        assert 0 < len(story.events) <= 10
        assert all(len(event.waits) <= MAX_DELIVERIES for event in story.events)
        found += reached(story)
    assert sorted(found) == sorted(f"e{number}" for number in range(5000))
    assert due_at(story.state) is None
    story.passes(0).then()


def test_a_large_payload_makes_small_bites() -> None:
    story = given(waits=20).when(broadcast("x" * (MAX_BYTES - 2)))
    assert [len(event.waits) for event in story.events[1:]] == [3]
    assert due_at(story.state) == AT_ONCE


def test_a_wait_that_is_opened_after_the_broadcast_is_not_reached_by_it() -> None:
    story = given(waits=4000).when(broadcast("first")).when(opens("late"))
    while story.state.broadcasts:
        story.passes(0)
        assert "late" not in reached(story)
    story.when(broadcast("second"))
    assert reached(story) == ["late"]


def test_two_broadcasts_are_delivered_one_after_the_other() -> None:
    story = given(waits=4000).when(broadcast("first")).when(opens("late"))
    story.when(broadcast("second")).then(SignalBroadcast(waits=1, payload="second", by="ann"))
    payloads = []
    while story.state.broadcasts:
        story.passes(0)
        payloads += [event.payload for event in story.events]
    assert payloads[-1] == "second"
    assert set(payloads[:-1]) == {"first"}


def test_a_payload_that_is_too_large_is_refused() -> None:
    given().when(broadcast("x" * MAX_BYTES)).then_rejected(RejectionCode.PAYLOAD_TOO_LARGE)
