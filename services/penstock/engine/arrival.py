"""A command as it comes in: the record, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from penstock.log.port import Record
from penstock.messages.envelope import Received, UnknownType, decode_command
from penstock.messages.registry import Command
from penstock.messages.wellformed import Malformed


class Arrival(NamedTuple):
    """A record of the commands topic, and what it says."""

    record: Record
    received: Received[Command] | Malformed


def arrive(record: Record, accepts: Callable[[Command], bool]) -> Arrival:
    """Decode ``record``; what cannot be decoded, or is not accepted on this topic, is told as a value."""
    try:
        received = decode_command(record.value or b"")
    except Malformed as error:
        return Arrival(record, error)
    return Arrival(record, received if accepts(received.command) else UnknownType(received.type))
