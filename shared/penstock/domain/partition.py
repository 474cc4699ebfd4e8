"""What happens to a partition itself: somebody took it over; commands were decided that left no event of their own."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Settled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A caller's command that left no event of its own: refused with ``code``, or done already where there is none."""

    subject: str
    command: str
    code: str = ""


class OwnershipTaken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A new owner fenced all earlier ones. ``turn`` tells apart the records on its two transactional ids; ``partitions``
    is how many the input topic had then: it must never have another number (0: not said).
    """

    owner: str
    epoch: int
    turn: int
    partitions: int = 0


class PositionAdvanced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every command up to the envelope's input position is decided; ``settled`` are those to be recognised again."""

    settled: tuple[Settled, ...] = ()


PartitionEvent: TypeAlias = OwnershipTaken | PositionAdvanced
