from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.domain.execution.commands import DeliverMessage
from penstock.domain.execution.effects import SendCommand
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.mailbox.events import MessageExpired
from penstock.domain.mailbox.message import Message
from penstock.domain.subjects import mailbox_of, root_of
from penstock.engine.outbox import OVERHEAD, RETURN_FARE, Outbox, TooLarge
from penstock.engine.partition_state import Story
from penstock.engine.wiring import DEFINITIONS, ENTITIES
from penstock.log.topics import COMMANDS, partition_of
from penstock.messages.envelope import decode_command

NOW = datetime(2026, 1, 1, tzinfo=UTC)
N = 7
EXECUTION = "019b793e-6a00-7000-8000-000000000001"
PAID = mailbox_of("paid", "a:b/c")
EXPIRED = MessageExpired(message_id="m1")


def outbox(topics: Any = ENTITIES, limit: int = 1_000_000) -> Outbox:
    return Outbox(topics, 0, NOW, 5, limit, reach=N)


def deliver(payload: Any = None) -> SendCommand:
    lives = {"sent_at": NOW, "expires_at": NOW + timedelta(days=7)}
    message = Message(id="m1", name="paid", key="a:b/c", payload=payload, **lives)
    return SendCommand(subject=EXECUTION, command=DeliverMessage(visit=1, option=0, message=message))


@pytest.mark.parametrize("topics", [ENTITIES, DEFINITIONS])
def test_a_command_goes_to_the_partition_of_its_entity_whoever_sends_it(topics: Any) -> None:
    box = outbox(topics)
    subjects = [EXECUTION, f"{EXECUTION}:1", PAID, "lock/press"]
    for number, subject in enumerate(subjects):
        sent = SendCommand(subject=subject, command=SendMessage(message_id=str(number)))
        box.effects("from", [sent], "cause", Story("", ""))
    for topic, partition, messages in box.batches():
        assert topic == COMMANDS
        for message in messages:
            subject = decode_command(message.value or b"").subject
            assert message.key == root_of(subject).encode()
            assert partition == partition_of(message.key, N)
            subjects.remove(subject)
    assert subjects == []


def test_ids_are_made_of_the_cause_and_the_number_of_the_command() -> None:
    box = outbox()
    box.events(PAID, None, [EXPIRED, EXPIRED], None, lambda subject, event: [deliver(), deliver()])
    found = [
        decode_command(m.value or b"").id for topic, _, messages in box.batches() if topic == COMMANDS for m in messages
    ]
    assert found == [f"{PAID}/1/1", f"{PAID}/1/2", f"{PAID}/2/1", f"{PAID}/2/2"]


def test_what_an_execution_causes_belongs_to_its_story_and_a_mailbox_has_none() -> None:
    for subject, story, expected in (
        (EXECUTION, Story("", ""), EXECUTION),
        (EXECUTION, Story("order-1", ""), "order-1"),
        (PAID, Story("", ""), ""),
        (PAID, Story(EXECUTION, ""), EXECUTION),
    ):
        box = outbox()
        box.effects(subject, [deliver()], "cause", story)
        ((_, _, (message,)),) = box.batches()
        assert decode_command(message.value or b"").correlation_id == expected


def test_an_event_whose_command_does_not_fit_is_not_written_either() -> None:
    box = outbox(limit=10_000)
    too_large = deliver("x" * (10_000 - OVERHEAD - RETURN_FARE))
    with pytest.raises(TooLarge, match=r"deliver_message"):
        box.events(PAID, None, [EXPIRED], None, lambda subject, event: [too_large])
    assert box.batches() == []
    assert box.events_written == 0


def test_a_command_that_is_too_deep_is_told_like_one_that_is_too_large() -> None:
    deep: Any = None
    for _ in range(70):
        deep = [deep]
    with pytest.raises(TooLarge, match="nesting"):
        outbox().effects(PAID, [deliver(deep)], "cause", Story("", ""))
