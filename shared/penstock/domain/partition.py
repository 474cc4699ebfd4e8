"""What happens to a partition itself: somebody took it over; commands were decided that left no event of their own."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refused command: whom it was for, its id, and the code that its sender was given."""

    subject: str
    command: str
    code: str


class OwnershipTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A new owner fenced all earlier ones. ``turn`` tells apart the records on its two transactional ids."""

    owner: str
    epoch: int
    turn: int


class PositionAdvanced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every command up to the envelope's input position is decided; these were refused."""

    refused: tuple[Refusal, ...] = ()


PartitionEvent: TypeAlias = OwnershipTaken | PositionAdvanced
