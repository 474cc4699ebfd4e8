"""What is written can be read again, for every name that was ever given."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.domain.execution.commands import FireTimers
from penstock.messages.envelope import (
    MAX_ID,
    Received,
    Recorded,
    decode_command,
    decode_event,
    encode_command,
    encode_event,
    event_hash,
)
from penstock.messages.records import (
    Answer,
    Task,
    TaskWithdrawn,
    Token,
    decode_answer,
    decode_task,
    decode_withdrawn,
    encode_record,
)
from penstock.messages.registry import COMMANDS, EVENTS, NAMES
from penstock.messages.wellformed import Malformed
from tests.messages.strategies import INTEGERS, LETTERS, MOMENTS, TEXTS, smallest, struct

quick = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
some_id = st.text(LETTERS, min_size=1, max_size=MAX_ID)


@pytest.mark.parametrize("name", EVENTS)
@quick
@given(data=st.data())
def test_every_event_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    recorded = Recorded(
        event=data.draw(struct(EVENTS[name])),
        id=data.draw(TEXTS),
        type=name,
        subject=data.draw(TEXTS),
        time=data.draw(MOMENTS),
        sequence=data.draw(INTEGERS),
        input_position=data.draw(INTEGERS),
        causation_id=data.draw(TEXTS),
        correlation_id=data.draw(TEXTS),
        traceparent=data.draw(TEXTS),
        previous_hash=data.draw(TEXTS),
    )
    value = encode_event(recorded)
    again = decode_event(value)
    assert again == recorded
    assert encode_event(again) == value, "a value has one form, or hashes could not be compared"


@pytest.mark.parametrize("name", COMMANDS)
@quick
@given(data=st.data())
def test_every_command_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    received = Received(
        command=data.draw(struct(COMMANDS[name])),
        id=data.draw(some_id),
        type=name,
        subject=data.draw(some_id),
        source=data.draw(st.text("abc", min_size=1, max_size=5)),
        reply_to=data.draw(TEXTS),
        correlation_id=data.draw(TEXTS),
        traceparent=data.draw(TEXTS),
    )
    assert decode_command(encode_command(received)) == received


@quick
@given(task=struct(Task), answer=struct(Answer), withdrawn=struct(TaskWithdrawn))
def test_every_record_is_read_as_it_was_written(task: Task, answer: Answer, withdrawn: TaskWithdrawn) -> None:
    assert decode_task(encode_record(task)) == task
    assert decode_answer(encode_record(answer)) == answer
    assert decode_withdrawn(encode_record(withdrawn)) == withdrawn


@given(
    topic=st.sampled_from(["events", "catalog"]),
    partition=st.integers(min_value=0, max_value=10**6),
    position=st.integers(min_value=0, max_value=2**63),
)
def test_every_token_is_read_as_it_was_written(topic: Any, partition: int, position: int) -> None:
    token = Token(topic, partition, position)
    assert Token.parse(str(token)) == token


def test_a_token_is_the_topic_the_partition_and_the_position() -> None:
    assert str(Token("events", 0, 1234)) == "e0.1234"
    assert str(Token("catalog", 0, 7)) == "c0.7"


NO_TOKENS = ("", "e0.1 ", *["e", "e0", "e0.", "e.1", "x0.1", "e-1.5", "e0.-1", "e0.1.2", "0.1", "E0.1", "c0,1"])


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="consistency token"):
        Token.parse(text)


def test_a_name_says_the_version() -> None:
    assert all(name.startswith("penstock.") and name.endswith(".v1") for name in (*EVENTS, *COMMANDS))
    assert {cls: name for table in (EVENTS, COMMANDS) for name, cls in table.items()} == NAMES
    assert len(NAMES) == len(EVENTS) + len(COMMANDS), "expected a type of its own under each name"


def test_what_the_clock_says_never_comes_from_outside() -> None:
    assert FireTimers not in NAMES


def test_the_hash_of_an_event_is_sha_256_of_its_bytes() -> None:
    assert event_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", [*EVENTS, *COMMANDS])
def test_no_field_is_kept_when_it_says_nothing(name: str) -> None:
    """Wire size: whoever adds an optional field pays nothing for it where it is not used."""
    cls = {**EVENTS, **COMMANDS}[name]
    found = msgspec.json.decode(msgspec.json.encode(smallest(cls)))
    assert found.keys() == {field.name for field in msgspec.structs.fields(cls) if field.required}
