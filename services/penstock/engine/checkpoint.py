"""Writes a checkpoint: the entities touched since the last one, the window of repeats, and the marker last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from penstock.engine.partition_state import PartitionState
from penstock.engine.snapshots import MARKER, PARTS, Marker, encode_marker, encode_seen, part_key, seen_key
from penstock.log.port import Batch, Message, Ownership
from penstock.log.topics import SNAPSHOTS

SLICE: Final = 512 << 10
"""Bytes in one transaction of a checkpoint; an entity that is larger has one of its own."""


class Checkpoints:
    """Checkpoints of one partition by one owner. ``part`` is the largest piece of an entity in one record."""

    def __init__(self, partition: int, part: int = 256 << 10) -> None:
        self._partition, self._part = partition, part
        self._parts: dict[str, int] = {}
        self._chunks = 0

    def resume(self, chunks: int, parts: dict[str, int]) -> None:
        """Go on after an earlier checkpoint: ``chunks`` of the window of repeats, ``parts`` of large entities exist."""
        self._chunks, self._parts = chunks, dict(parts)

    async def write(self, state: PartitionState, ownership: Ownership) -> Marker:
        """
        Write what changed and the marker of ``state`` as it is now. Nothing else may change it meanwhile.

        Raises:
            Fenced: another owner has taken over.
            LogUnavailable: the outcome is unknown.

        """
        messages: list[Message] = []
        size = 0
        for together in self._changes(state):
            messages.extend(together)
            size += sum(len(message.value or b"") + 100 for message in together)
            if size >= SLICE:
                await self._commit(ownership, messages)
                messages, size = [], 0
                await asyncio.sleep(0)
        marker = Marker(
            event_position=state.event_position,
            input_position=state.input_position,
            last_time=state.last_time,
            digest=state.entities.digest(),
            ended_sum=f"{state.entities.ended_sum:064x}",
            chunks=self._chunks,
            entities=len(state.entities),
            partitions=state.partitions,
        )
        await self._commit(ownership, [*messages, Message(MARKER, encode_marker(marker))])
        return marker

    def _changes(self, state: PartitionState) -> Iterator[Sequence[Message]]:
        """What belongs together, in one transaction: new parts of an entity beside old ones would make no state."""
        for key, packed in state.entities.settle():
            yield tuple(self._entity(key, packed))
        for chunk in state.seen.take_fresh():
            self._chunks += 1
            yield (Message(seen_key(chunk, self._chunks), encode_seen(chunk)),)

    def _entity(self, key: str, packed: bytes | None) -> Iterator[Message]:
        before = self._parts.pop(key, 1)
        name = key.encode()
        pieces = [packed[i : i + self._part] for i in range(0, len(packed), self._part)] if packed else []
        for number, piece in reversed(list(enumerate(pieces))):
            if number:
                yield Message(part_key(name, number), piece)
            else:
                yield Message(name, piece, ((PARTS, str(len(pieces)).encode()),))
        if packed is None:
            yield Message(name, None)
        for number in range(max(1, len(pieces)), before):
            yield Message(part_key(name, number), None)
        if len(pieces) > 1:
            self._parts[key] = len(pieces)

    async def _commit(self, ownership: Ownership, messages: list[Message]) -> None:
        await ownership.commit([Batch(SNAPSHOTS, self._partition, messages)])
