"""
The entities of a partition: those touched since the last checkpoint as values, all others as bytes.

The digest of a partition is the sum modulo 2^256 of SHA-256 over each live entity, plus a running sum over the ended
ones (decisions 16): it does not depend on the order, and one changed byte changes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec

from penstock.domain.subjects import KindName, kind_of

MODULUS: Final = 2**256


class Entity(msgspec.Struct, frozen=True, array_like=True):
    """
    ``hash`` is that of the entity's last event, which the next one carries; ``state`` belongs to its kind.

    ``correlation_id`` (empty: the entity's own id) and ``traceparent`` are those it began with: what the clock causes
    later belongs to the same story.
    """

    id: str
    sequence: int
    hash: str
    state: Any
    correlation_id: str = ""
    traceparent: str = ""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    id: str
    sequence: int
    hash: str
    state: msgspec.Raw
    correlation_id: str
    traceparent: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Entities:
    """Values by id. ``pack`` and ``unpack`` are the kind's codec of a state; ``counts`` says how many of each kind."""

    def __init__(self, pack: Callable[[Any], bytes], unpack: Callable[[bytes], Any]) -> None:
        self._pack, self._unpack = pack, unpack
        self._touched: dict[str, Entity] = {}
        self._packed: dict[str, bytes] = {}
        self._ended_since: list[str] = []
        self._live_sum = 0
        self.counts: Counter[KindName] = Counter()
        self.ended_sum = 0

    def __len__(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[Entity]:
        yield from self._touched.values()
        for key in self._packed:
            if key not in self._touched and (entity := self.get(key)) is not None:
                yield entity

    def get(self, key: str) -> Entity | None:
        if (entity := self._touched.get(key)) is not None:
            return entity
        packed = self._packed.get(key)
        if packed is None:
            return None
        raw = _decode(packed)
        state = self._unpack(bytes(raw.state))
        return Entity(raw.id, raw.sequence, raw.hash, state, raw.correlation_id, raw.traceparent)

    def put(self, entity: Entity) -> None:
        if entity.id not in self._touched and entity.id not in self._packed:
            self.counts[kind_of(entity.id)] += 1
        self._touched[entity.id] = entity

    def end(self, entity: Entity, outcome: str, output: Any) -> None:
        """The entity is over: only its contribution to the digest stays."""
        known = self._touched.pop(entity.id, None) is not None or entity.id in self._packed
        self.counts[kind_of(entity.id)] -= known
        if (packed := self._packed.pop(entity.id, None)) is not None:
            self._live_sum = (self._live_sum - _number(packed)) % MODULUS
            self._ended_since.append(entity.id)
        self.ended_sum = (self.ended_sum + ended_number(entity, outcome, output)) % MODULUS

    def settle(self) -> Iterator[tuple[str, bytes | None]]:
        """
        Pack what was touched; give each changed entity's bytes, and None for those ended that had some. Exhaust it
        before the digest is asked for.
        """
        for key in self._ended_since:
            if key not in self._touched:
                yield key, None
        self._ended_since = []
        touched, self._touched = self._touched, {}
        for key, entity in touched.items():
            packed = self._packed_form(entity)
            earlier = self._packed.get(key)
            self._live_sum = (self._live_sum + _number(packed) - (_number(earlier) if earlier else 0)) % MODULUS
            self._packed[key] = packed
            yield key, packed

    def restore(self, key: str, packed: bytes | None) -> None:
        """Take what an earlier owner has packed; None forgets it again."""
        if (earlier := self._packed.pop(key, None)) is not None:
            self._live_sum = (self._live_sum - _number(earlier)) % MODULUS
            self.counts[kind_of(key)] -= 1
        if packed is not None:
            self.counts[kind_of(key)] += 1
            self._packed[key] = packed
            self._live_sum = (self._live_sum + _number(packed)) % MODULUS

    def digest(self) -> str:
        """In hex, of everything settled and ended so far."""
        if self._touched:
            raise ValueError("expected all entities to be settled before the digest is taken")
        return f"{(self._live_sum + self.ended_sum) % MODULUS:064x}"

    def _packed_form(self, entity: Entity) -> bytes:
        state = msgspec.Raw(self._pack(entity.state))
        packed = _Packed(entity.id, entity.sequence, entity.hash, state, entity.correlation_id, entity.traceparent)
        return _encode(packed)


def ended_number(entity: Entity, outcome: str, output: Any) -> int:
    """The part of an ended entity in the digest."""
    fields = [entity.id, entity.sequence, entity.hash, outcome, output]
    return int.from_bytes(sha256(_encode(fields)).digest(), "big")


def _number(packed: bytes) -> int:
    return int.from_bytes(sha256(packed).digest(), "big")
