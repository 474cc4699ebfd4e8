"""
Values to bytes and back: CloudEvents 1.0 in structured JSON mode, for events and for commands.

An event's extensions are ``sequence`` (1..n without gap per subject), ``inputposition`` (every command of the partition
up to here is decided), ``causationid``, ``correlationid``, ``traceparent`` and ``prevhash`` (SHA-256 of the subject's
previous event as it stands in the log, in hex; empty on the first). Numbers are strings, because a CloudEvents integer
has 32 bits (decisions 25).
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

import msgspec

from penstock.messages.registry import COMMANDS, EVENTS, NAMES, Command, Event
from penstock.messages.wellformed import Malformed, check_values, check_wellformed

CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
SOURCE: Final = "penstock"

C_co = TypeVar("C_co", covariant=True)
E_co = TypeVar("E_co", covariant=True)


class UnknownType(Malformed):
    """A message whose type or version this release does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"expected a type that this release knows, but got {name!r}")
        self.name = name


class _EventOut(msgspec.Struct, omit_defaults=True):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    sequence: str
    inputposition: str
    data: Any
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""
    prevhash: str = ""


class _EventIn(msgspec.Struct):
    id: str
    type: str
    subject: str
    time: datetime
    sequence: str
    inputposition: str
    data: msgspec.Raw
    causationid: str = ""
    correlationid: str = ""
    traceparent: str = ""
    prevhash: str = ""


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True):
    """An event with what the log knows of it."""

    event: E_co
    id: str
    type: str
    subject: str
    time: datetime
    sequence: int
    input_position: int
    causation_id: str
    correlation_id: str
    traceparent: str
    previous_hash: str


class Received(msgspec.Struct, Generic[C_co], frozen=True, kw_only=True):
    """A command with what its sender said around it. ``reply_to`` names who wants the answer."""

    command: C_co
    id: str
    type: str
    subject: str
    source: str = ""
    reply_to: str = ""
    correlation_id: str = ""
    traceparent: str = ""


class _CommandOut(msgspec.Struct, omit_defaults=True):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    datacontenttype: str
    data: Any
    replyto: str = ""
    correlationid: str = ""
    traceparent: str = ""


class _CommandIn(msgspec.Struct):
    id: str
    type: str
    subject: str
    data: msgspec.Raw
    source: str = ""
    replyto: str = ""
    correlationid: str = ""
    traceparent: str = ""


_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(_EventIn).decode
_decode_command = msgspec.json.Decoder(_CommandIn).decode
_EVENT_DATA: Final = {name: msgspec.json.Decoder(cls).decode for name, cls in EVENTS.items()}
_COMMAND_DATA: Final = {name: msgspec.json.Decoder(cls).decode for name, cls in COMMANDS.items()}

MAX_ID: Final = 400
"""Characters of an id, and of whatever else a sender says around a command. What the engine sends itself is longest."""


def event_hash(value: bytes) -> str:
    """What the next event of the same subject carries as ``prevhash``."""
    return sha256(value).hexdigest()


def encode_event(recorded: Recorded[Event]) -> bytes:
    """The event as it stands in the log; the same value always gives the same bytes."""
    return _encode(
        _EventOut(
            specversion="1.0",
            id=recorded.id,
            source=SOURCE,
            type=recorded.type,
            subject=recorded.subject,
            time=recorded.time,
            datacontenttype="application/json",
            sequence=str(recorded.sequence),
            inputposition=str(recorded.input_position),
            data=recorded.event,
            causationid=recorded.causation_id,
            correlationid=recorded.correlation_id,
            traceparent=recorded.traceparent,
            prevhash=recorded.previous_hash,
        )
    )


def decode_event(value: bytes) -> Recorded[Event]:
    """
    The event in ``value``.

    Raises:
        UnknownType: its type or version is from a later release.
        Malformed: it is not an event of ours.

    """
    try:
        raw = _decode_event(value)
        decode = _EVENT_DATA.get(raw.type)
        if decode is None:
            raise UnknownType(raw.type)
        return Recorded(
            event=decode(raw.data),
            id=raw.id,
            type=raw.type,
            subject=raw.subject,
            time=raw.time,
            sequence=int(raw.sequence),
            input_position=int(raw.inputposition),
            causation_id=raw.causationid,
            correlation_id=raw.correlationid,
            traceparent=raw.traceparent,
            previous_hash=raw.prevhash,
        )
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"expected an event, but {error}") from error


def encode_command(received: Received[Command]) -> bytes:
    """
    The command as it goes onto the commands topic.

    Raises:
        Malformed: its payload holds what must not be stored, or is not JSON.

    """
    try:
        value = _encode(
            _CommandOut(
                specversion="1.0",
                id=received.id,
                source=received.source or SOURCE,
                type=NAMES[type(received.command)],
                subject=received.subject,
                datacontenttype="application/json",
                data=received.command,
                replyto=received.reply_to,
                correlationid=received.correlation_id,
                traceparent=received.traceparent,
            )
        )
        if b"null" in value:
            # The encoder writes null for what JSON has no number for, which would change what the sender said.
            check_values(msgspec.to_builtins(received.command))
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"expected a payload of JSON values, but {error}") from error
    check_wellformed(value)
    return value


def decode_command(value: bytes) -> Received[Command]:
    """
    The command in ``value``, which may come from anybody.

    Raises:
        UnknownType: its type or version is not one of ours.
        Malformed: it is not a command, or holds what must not be stored.

    """
    check_wellformed(value)
    try:
        raw = _decode_command(value)
        decode = _COMMAND_DATA.get(raw.type)
        if decode is None:
            raise UnknownType(raw.type)
        command = decode(raw.data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"expected a command, but {error}") from error
    if not 0 < len(raw.id) <= MAX_ID or not 0 < len(raw.subject) <= MAX_ID:
        raise Malformed(f"expected an id and a subject of 1 to {MAX_ID} characters")
    if max(len(raw.source), len(raw.replyto), len(raw.correlationid), len(raw.traceparent)) > MAX_ID:
        raise Malformed(f"expected source, replyto, correlationid and traceparent of at most {MAX_ID} characters")
    return Received(
        command=command,
        id=raw.id,
        type=raw.type,
        subject=raw.subject,
        source=raw.source,
        reply_to=raw.replyto,
        correlation_id=raw.correlationid,
        traceparent=raw.traceparent,
    )
