"""A command as it comes in: the record, and what it says."""

from __future__ import annotations

from typing import NamedTuple

from penstock.log.port import Record
from penstock.messages.envelope import Received, decode_command
from penstock.messages.registry import Command
from penstock.messages.wellformed import Malformed


class Arrival(NamedTuple):
    """A record of the commands topic, and what it says."""

    record: Record
    received: Received[Command] | Malformed


def arrive(record: Record) -> Arrival:
    """Decode ``record``; what cannot be decoded is told as a value."""
    try:
        return Arrival(record, decode_command(record.value or b""))
    except Malformed as error:
        return Arrival(record, error)
