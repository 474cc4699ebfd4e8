"""What may not come in is refused by name, and what only looks like it is let through (decisions 5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from penstock.domain.execution.commands import CompleteTask, PauseExecution
from penstock.domain.storable import MAX_DEPTH
from penstock.messages.envelope import MAX_ID, Received, UnknownType, decode_command, decode_event, encode_command
from penstock.messages.records import decode_answer, decode_task, decode_withdrawn
from penstock.messages.wellformed import Malformed, check_values, check_wellformed
from tests.messages.strategies import JSON_VALUES

ENVELOPE_DEPTH = 2
"""Objects around the output of a task on the wire: the envelope and ``data``."""


def completed(output: bytes, **fields: str) -> bytes:
    """A completion with ``output`` just as it stands."""
    outer = {"id": "1", "type": "penstock.complete_task.v1", "subject": "s", **fields}
    return msgspec.json.encode(outer)[:-1] + b',"data":{"visit":1,"attempt":1,"output":' + output + b"}}"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def a_command(**changes: Any) -> bytes:
    whole = {"id": "1", "type": "penstock.pause_execution.v1", "subject": "s", "data": {}} | changes
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not None})


def an_event(**changes: Any) -> bytes:
    whole: dict[str, Any] = {
        "specversion": "1.0",
        "id": "s/1",
        "source": "penstock",
        "type": "penstock.execution_paused.v1",
        "subject": "s",
        "time": "2026-01-01T12:00:00Z",
        "datacontenttype": "application/json",
        "sequence": "1",
        "inputposition": "7",
        "data": {"status": "paused"},
    } | changes
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not None})


REFUSED = [
    pytest.param(rb'"\u0000"', "NUL", id="NUL in a text"),
    pytest.param(rb'{"\u0000":1}', "NUL", id="NUL in a name"),
    pytest.param(rb'"\\\u0000"', "NUL", id="NUL after an escaped backslash"),
    pytest.param(b'"\x00"', "invalid character", id="NUL as it is"),
    pytest.param(b'"a\nb"', "invalid character", id="a line break as it is"),
    pytest.param(rb'"\ud800"', "", id="high surrogate alone"),
    pytest.param(rb'"\ud800x"', "", id="high surrogate before a letter"),
    pytest.param(rb'"\udc00"', "surrogate", id="low surrogate alone"),
    pytest.param(rb'{"\ud800":1}', "", id="lone surrogate in a name"),
    pytest.param(b'"\xed\xa0\x80"', "utf-8", id="surrogate in bytes"),
    pytest.param(b'"\xff"', "utf-8", id="bad UTF-8 in a text"),
    pytest.param(b'{"\xff":1}', "utf-8", id="bad UTF-8 in a name"),
    pytest.param(b'"\xc0\x80"', "utf-8", id="overlong UTF-8"),
    pytest.param(b"9007199254740993", "2^53", id="2^53 + 1"),
    pytest.param(b"-9007199254740993", "2^53", id="-(2^53 + 1)"),
    pytest.param(b"[1,12345678901234567890]", "2^53", id="beyond 64 bits"),
    pytest.param(b'{"n":' + b"9" * 400 + b"}", "2^53", id="400 digits"),
    pytest.param(b"9" * 5000, "range", id="5,000 digits"),
    pytest.param(b"1e400", "range", id="1e400"),
    pytest.param(b"-1E+999", "range", id="-1E+999"),
    pytest.param(b"1e0000400", "range", id="zeros before the exponent"),
    pytest.param(b"10000000000.5e305", "range", id="only the whole is out of range"),
    pytest.param(b"NaN", "malformed", id="NaN"),
    pytest.param(b"-Infinity", "malformed", id="-Infinity"),
    pytest.param(b"01", "malformed", id="a zero before a number"),
    pytest.param(nested(MAX_DEPTH - ENVELOPE_DEPTH + 2), "nesting", id="one too deep"),
    pytest.param(nested(100_000), "", id="so deep that a stack would end"),
    pytest.param(b'{"a":' * 70 + b"1" + b"}" * 70, "nesting", id="objects in objects"),
]


@pytest.mark.parametrize(("output", "word"), REFUSED)
def test_what_no_store_can_hold_is_refused_by_name(output: bytes, word: str) -> None:
    with pytest.raises(Malformed) as refused:
        decode_command(completed(output))
    assert str(refused.value).startswith("expected")
    assert word in str(refused.value)


ACCEPTED = [
    pytest.param(b'"12345678901234567890"', "12345678901234567890", id="digits in a text"),
    pytest.param(b'"a:12345678901234567890, 9007199254740993"', "a:12345678901234567890, 9007199254740993", id="prose"),
    pytest.param(b'"1e12 and :1e400"', "1e12 and :1e400", id="an exponent in a text"),
    pytest.param(b"1e12", 1e12, id="an exponent within range"),
    pytest.param(b"1e308", 1e308, id="the largest exponent"),
    pytest.param(b"0.1234567890123456", 0.1234567890123456, id="16 digits after a decimal point"),
    pytest.param(b"1234567890123456", 1234567890123456, id="16 digits within 2^53"),
    pytest.param(b"[9007199254740992,-9007199254740992]", [2**53, -(2**53)], id="2^53 itself"),
    pytest.param(b"9007199254740993.0", 9007199254740992.0, id="a fraction may be large"),
    pytest.param(rb'"\\u0000"', "\\u0000", id="an escaped backslash before u0000"),
    pytest.param(rb'"\ud83d\ude00"', "\U0001f600", id="a pair of surrogates"),
    pytest.param('"Zoë 中"'.encode(), "Zoë 中", id="other letters"),
    pytest.param(b"[" + b"[]," * 200 + b"[]]", [[]] * 201, id="many brackets, not deep"),
    pytest.param(b'"' + b"[{" * 100 + b'"', "[{" * 100, id="brackets in a text"),
]


@pytest.mark.parametrize(("output", "value"), ACCEPTED)
def test_what_only_looks_suspicious_is_accepted(output: bytes, value: object) -> None:
    command = decode_command(completed(output)).command
    assert isinstance(command, CompleteTask)
    assert command.output == value


def test_the_deepest_nesting_allowed_is_accepted() -> None:
    assert decode_command(completed(nested(MAX_DEPTH - ENVELOPE_DEPTH + 1)))


@settings(max_examples=200, deadline=None)
@given(JSON_VALUES)
def test_no_value_that_can_be_stored_is_refused(value: object) -> None:
    check_wellformed(msgspec.json.encode({"output": value}))
    check_values(value)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("a\0", "NUL"),
        ({"a\0": 1}, "NUL"),
        ("\ud800", "surrogate"),
        ([2**53 + 1], "2^53"),
        ({"a": [float("nan")]}, "finite"),
        (float("inf"), "finite"),
        (b"bytes", "bytes"),
    ],
)
def test_a_decoded_value_is_held_to_the_same(value: object, word: str) -> None:
    with pytest.raises(Malformed, match="expected") as refused:
        check_values(value)
    assert word in str(refused.value)


def test_the_refusal_says_where() -> None:
    with pytest.raises(Malformed, match=r"\$\.data\.output\.rows\[1\]\.n"):
        decode_command(completed(b'{"rows":[{"n":1},{"n":9007199254740993}]}'))


@pytest.mark.parametrize("value", [b"", b"not json", b"null", b"[]", b'"text"', b"{}", b"\xef\xbb\xbf{}", b"\xff\xfe"])
def test_what_is_no_message_is_refused(value: bytes) -> None:
    for decode in (decode_command, decode_event, decode_task, decode_answer, decode_withdrawn):
        with pytest.raises(Malformed, match=r"expected an? "):
            decode(value)


@pytest.mark.parametrize("missing", ["id", "type", "subject", "data"])
def test_a_command_without_a_needed_field_is_refused(missing: str) -> None:
    assert decode_command(a_command())
    with pytest.raises(Malformed, match=missing):
        decode_command(a_command(**{missing: None}))


@pytest.mark.parametrize("missing", ["id", "type", "subject", "time", "sequence", "inputposition", "data"])
def test_an_event_without_a_needed_field_is_refused(missing: str) -> None:
    assert decode_event(an_event())
    with pytest.raises(Malformed, match=missing):
        decode_event(an_event(**{missing: None}))


@pytest.mark.parametrize(
    "changes",
    [{"sequence": "one"}, {"sequence": 1}, {"inputposition": ""}, {"time": "yesterday"}, {"data": {"status": "odd"}}],
)
def test_an_event_with_a_wrong_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        decode_event(an_event(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": []},
        {"id": 1},
        {"id": ""},
        {"id": "x" * (MAX_ID + 1)},
        {"subject": ""},
        {"subject": "x" * (MAX_ID + 1)},
        {"data": {"by": 5}},
    ],
)
def test_a_command_with_a_wrong_field_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        decode_command(a_command(**changes))


def test_a_payload_without_a_needed_field_is_refused() -> None:
    with pytest.raises(Malformed, match="attempt"):
        decode_command(a_command(type="penstock.complete_task.v1", data={"visit": 1}))


@pytest.mark.parametrize(
    "name",
    [
        "penstock.pause_execution.v2",
        "penstock.execution_paused.v1",
        "penstock.fire_timers.v1",
        "pause_execution",
        "",
    ],
)
def test_an_unknown_type_of_command_is_named(name: str) -> None:
    with pytest.raises(UnknownType) as refused:
        decode_command(a_command(type=name))
    assert refused.value.name == name
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize("name", ["penstock.execution_paused.v2", "penstock.pause_execution.v1", "com.example.other"])
def test_an_unknown_type_of_event_is_named(name: str) -> None:
    with pytest.raises(UnknownType) as refused:
        decode_event(an_event(type=name))
    assert refused.value.name == name


def test_fields_of_a_later_release_are_ignored() -> None:
    plain, later = decode_command(a_command()), a_command(data={"by": "system", "colour": {"r": 1}}, dataschema="x")
    assert decode_command(later) == plain
    assert decode_event(an_event(data={"status": "paused", "why": [1]}, tracestate="x")) == decode_event(an_event())


def test_fields_of_a_later_release_are_ignored_in_records() -> None:
    task = {"id": "e/s/1/1", "execution_id": "e", "step": "s", "visit": 1, "attempt": 1, "task": "t", "queue": "q"}
    assert decode_task(msgspec.json.encode(task | {"colour": 1})) == decode_task(msgspec.json.encode(task))
    answer = {"command_id": "c", "subject": "s", "outcome": "accepted", "input_position": 1}
    assert decode_answer(msgspec.json.encode(answer | {"colour": 1})) == decode_answer(msgspec.json.encode(answer))


def test_what_a_reader_would_refuse_is_refused_before_it_is_sent() -> None:
    def send(command: Any) -> bytes:
        return encode_command(Received(command=command, id="1", type="", subject="s"))

    with pytest.raises(Malformed, match="NUL"):
        send(PauseExecution(reason="a\0b"))
    with pytest.raises(Malformed, match="2\\^53"):
        send(CompleteTask(visit=1, attempt=1, output=2**53 + 1))
    with pytest.raises(Malformed, match="payload of JSON"):
        send(CompleteTask(visit=1, attempt=1, output=object()))
    with pytest.raises(Malformed, match="payload of JSON"):
        send(CompleteTask(visit=1, attempt=1, output="\ud800"))
    with pytest.raises(Malformed, match="nesting"):
        send(CompleteTask(visit=1, attempt=1, output=msgspec.json.decode(nested(64))))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_not_sent_as_something_else(number: float) -> None:
    """JSON has no name for it; an encoder that writes ``null`` instead would change what the handler said."""
    with pytest.raises(Malformed, match="finite"):
        encode_command(
            Received(command=CompleteTask(visit=1, attempt=1, output={"n": number}), id="1", type="", subject="s")
        )
