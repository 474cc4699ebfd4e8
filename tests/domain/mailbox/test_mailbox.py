from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from penstock.domain.execution.commands import ConfirmWait, DeliverMessage
from penstock.domain.mailbox.commands import ReturnMessage, SendMessage
from penstock.domain.mailbox.decide import MAX_EVENTS, decide
from penstock.domain.mailbox.events import MessageDelivered, MessageExpired, MessageKept, MessageReturned
from penstock.domain.mailbox.evolve import evolve
from penstock.domain.mailbox.message import Message
from penstock.domain.mailbox.react import react
from penstock.domain.mailbox.state import EMPTY, MAX_CONSUMED, MAX_KEPT, Mailbox, due_at
from penstock.domain.payloads import MAX_BYTES
from penstock.domain.rejected import RejectionCode
from penstock.domain.subjects import mailbox_of
from penstock.domain.waits import WaitClosed, WaitOpened
from tests.domain.shared_story import NOON, Story, closes, opens

SUBJECT = mailbox_of("paid", "order/7")
WEEK = timedelta(days=7)


def given() -> Story:
    return Story(
        decide=lambda state, command, now: decide(state, command, SUBJECT, now),
        evolve=evolve,
        react=lambda event: react(SUBJECT, event),
        due_at=due_at,
        nothing=EMPTY,
    )


def send(id_: str = "m1", payload: Any = None, ttl: float | None = None) -> SendMessage:
    return SendMessage(message_id=id_, payload=payload, ttl=ttl, by="ann")


def message(id_: str = "m1", payload: Any = None, after: float = 0, lives: timedelta = WEEK) -> Message:
    sent = NOON + timedelta(seconds=after)
    return Message(id=id_, name="paid", key="order/7", payload=payload, sent_at=sent, expires_at=sent + lives)


def delivered(message: Message, execution: str = "x", *, direct: bool = False) -> MessageDelivered:
    by = {"by": "ann"} if direct else {}
    return MessageDelivered(message=message, execution=execution, visit=1, option=0, direct=direct, **by)


def opened(execution: str = "x") -> WaitOpened:
    return WaitOpened(execution=execution, visit=1, option=0)


def test_a_message_that_nobody_waits_for_is_kept_for_seven_days() -> None:
    story = given().when(send(payload={"n": 1}))
    story.then(MessageKept(message=message(payload={"n": 1}), by="ann")).then_sends()
    assert due_at(story.state) == NOON + WEEK
    story.again(send(payload={"n": 1}))


def test_a_message_goes_to_the_first_wait_and_the_wait_is_over() -> None:
    story = given().when(opens("x")).when(opens("y"))
    story.when(send("m1")).then(delivered(message("m1"), "x", direct=True))
    story.then_sends(("x", DeliverMessage(visit=1, option=0, message=message("m1"))))
    story.when(send("m2")).then(delivered(message("m2"), "y", direct=True))
    story.when(send("m3")).then(MessageKept(message=message("m3"), by="ann"))


def test_an_opened_wait_is_confirmed() -> None:
    story = given().when(opens()).then(opened()).then_sends(("x", ConfirmWait(visit=1, option=0)))
    story.again(opens())


def test_a_wait_that_is_opened_while_messages_are_kept_gets_the_oldest() -> None:
    story = given().when(send("m1")).when(send("m2"), after=1)
    story.when(opens()).then(opened(), delivered(message("m1")))
    story.then_sends(
        ("x", ConfirmWait(visit=1, option=0)), ("x", DeliverMessage(visit=1, option=0, message=message("m1")))
    )
    story.when(opens("y")).then(opened("y"), delivered(message("m2", after=1), "y"))
    assert due_at(story.state) is None


def test_a_closed_wait_gets_nothing() -> None:
    story = given().when(opens()).when(closes()).then(WaitClosed(execution="x", visit=1, option=0)).then_sends()
    story.again(closes())
    story.when(send()).then(MessageKept(message=message(), by="ann"))


def test_waits_of_one_visit_are_told_apart() -> None:
    story = given().when(opens(option=0)).when(opens(option=1)).when(closes(option=0))
    story.when(send()).then_sends(("x", DeliverMessage(visit=1, option=1, message=message())))


def test_closing_a_wait_that_nobody_opened_is_no_matter() -> None:
    given().when(closes()).then()


def test_a_returned_message_is_the_first_again_and_keeps_its_time_to_live() -> None:
    story = given().when(send("m1")).when(send("m2")).when(opens())
    back = ReturnMessage(message=message("m1"))
    story.when(back, after=60).then(MessageReturned(message=message("m1"))).then_sends()
    story.again(back)
    assert due_at(story.state) == NOON + WEEK
    story.when(opens("y")).then(opened("y"), delivered(message("m1"), "y"))


def test_a_returned_message_goes_at_once_to_the_next_wait() -> None:
    story = given().when(opens("x")).when(opens("y")).when(send())
    story.when(ReturnMessage(message=message())).then(delivered(message(), "y"))
    story.when(opens("z")).then(opened("z"))


def test_a_message_that_comes_back_too_late_has_expired() -> None:
    story = given().when(opens()).when(send(ttl=5))
    kept_short = message(lives=timedelta(seconds=5))
    story.when(ReturnMessage(message=kept_short), after=5).then(MessageExpired(message_id="m1"))


def test_messages_expire_when_their_time_has_come_and_not_before() -> None:
    story = given().when(send("m1", ttl=10)).when(send("m2", ttl=5)).when(send("m3", ttl=20))
    assert due_at(story.state) == NOON + timedelta(seconds=5)
    story.passes(4.9).then()
    story.passes(0.1).then(MessageExpired(message_id="m2")).then_sends()
    assert due_at(story.state) == NOON + timedelta(seconds=10)
    story.passes(15).then(MessageExpired(message_id="m1"), MessageExpired(message_id="m3"))
    assert due_at(story.state) is None
    story.passes(1).then()


def test_an_expired_message_is_not_delivered_even_before_the_clock_came_by() -> None:
    story = given().when(send("m1", ttl=5)).when(send("m2", ttl=50))
    story.when(opens(), after=5).then(opened(), delivered(message("m2", lives=timedelta(seconds=50))))
    story.passes(0).then(MessageExpired(message_id="m1"))


@pytest.mark.parametrize("ttl", [0, -1, 30 * 24 * 3600 + 1])
def test_a_time_to_live_that_is_none_or_longer_than_thirty_days_is_refused(ttl: float) -> None:
    given().when(send(ttl=ttl)).then_rejected(RejectionCode.INPUT_INVALID)


def test_the_same_message_again_adds_nothing_after_it_was_consumed_or_expired() -> None:
    story = given().when(opens()).when(send("m1")).again(send("m1"))
    story.when(opens("y")).again(send("m1"))
    story.when(closes("y")).when(send("m2", ttl=1)).passes(1).then(MessageExpired(message_id="m2"))
    story.again(send("m2"))


def test_only_the_last_thousand_ids_are_remembered() -> None:
    story = given()
    ids = tuple(f"m{number}" for number in range(MAX_CONSUMED))
    story.nothing = story.state = Mailbox(consumed=ids)
    story.again(send("m0"))
    story.when(opens()).when(send("new"))
    assert len(story.state.consumed) == MAX_CONSUMED
    story.again(send("m1"))
    story.when(send("m0")).then(MessageKept(message=message("m0"), by="ann"))


def full() -> Mailbox:
    return Mailbox(
        kept={f"k{n}": message(f"k{n}") for n in range(MAX_KEPT)},
        expires_at=NOON + WEEK,
    )


def test_a_full_mailbox_takes_no_more_but_takes_back_what_it_gave() -> None:
    story = given()
    story.nothing = story.state = full()
    story.when(send("one-more")).then_rejected(RejectionCode.MAILBOX_FULL)
    story.again(send("k0"))
    story.when(ReturnMessage(message=message("back"))).then(MessageReturned(message=message("back")))
    story.when(opens()).then(opened(), delivered(message("back")))


def test_many_messages_expire_in_bounded_bites() -> None:
    story = given()
    story.nothing = story.state = full()
    story.passes(WEEK.total_seconds())
    assert len(story.events) == MAX_EVENTS
    assert due_at(story.state) == NOON + WEEK


def test_a_payload_that_cannot_be_handed_on_is_refused() -> None:
    given().when(send(payload="x" * (MAX_BYTES - 1))).then_rejected(RejectionCode.PAYLOAD_TOO_LARGE)
    deep: Any = None
    for _ in range(60):
        deep = [deep]
    given().when(send(payload=deep)).then_rejected(RejectionCode.INPUT_INVALID)
    given().when(send(payload=[[]] * 1000)).then(MessageKept(message=message(payload=[[]] * 1000), by="ann"))
