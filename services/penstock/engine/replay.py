"""
Replays the log and proves it: the digest of a replay from the first event equals the one that the live engine wrote
down. Read-only: nothing here takes a partition or writes a record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from penstock.domain.execution.places import HistoryBroken
from penstock.domain.partition import OwnershipTaken, PositionAdvanced
from penstock.domain.subjects import root_of
from penstock.engine.by_kind import ByKind
from penstock.engine.definitions import Definitions
from penstock.engine.history import committed
from penstock.engine.kinds import Kind
from penstock.engine.partition_state import PartitionState
from penstock.engine.snapshots import MARKER, Marker, decode_marker
from penstock.log.port import Log, Record, TopicPartition
from penstock.log.topics import CATALOG, EVENTS, SNAPSHOTS, partition_of
from penstock.messages.envelope import Recorded, decode_event, event_hash
from penstock.messages.registry import Event
from penstock.messages.wellformed import Malformed

Progress = Callable[[str, int, int], None]
"""(topic/partition, position reached, end)"""

SHOWN_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What the replay of one partition gave. ``digest`` is the replay's at its end; ``marker_digest`` the live engine's at
    ``marker_position`` and ``replayed_digest`` the replay's at the same place (None where no checkpoint exists).
    """

    topic: str
    partition: int
    events: int
    entities: int
    digest: str
    marker_position: int | None
    marker_digest: str | None
    replayed_digest: str | None
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems and self.marker_digest == self.replayed_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An execution as it was after its event number ``sequence``."""

    execution_id: str
    sequence: int
    time: datetime
    status: str
    state: dict[str, Any]
    events: int


class ExecutionNotFound(Exception):
    """No event of such an execution is in the log, at that time."""


async def verify(log: Log, progress: Progress | None = None) -> tuple[Verdict, ...]:
    """Replay every partition from its first event, without snapshots, and compare with what the engine wrote down."""
    counts = await log.topics()
    verdicts = [await _verify_partition(log, TopicPartition(CATALOG, 0), Definitions(log), None, progress)]
    for partition in range(counts[EVENTS]):
        marker = await _last_marker(log, partition)
        source = TopicPartition(EVENTS, partition)
        verdicts.append(await _verify_partition(log, source, ByKind(None), marker, progress))
    return tuple(verdicts)


async def state_at(log: Log, execution_id: str, at: int | datetime | None = None) -> Snapshot:
    """
    The state of an execution after its event number ``at``, at the time ``at``, or now.

    Raises:
        ExecutionNotFound: it has no event there.

    """
    kind = ByKind(None)
    state: Any = None
    last: Recorded[Event] | None = None
    status, count = "", 0
    async for recorded in history(log, execution_id):
        if (isinstance(at, int) and recorded.sequence > at) or (isinstance(at, datetime) and recorded.time > at):
            break
        state = kind.evolve(execution_id, state, recorded.event, recorded.time)
        status = getattr(recorded.event, "status", None) or status
        last, count = recorded, count + 1
    if last is None:
        raise ExecutionNotFound(f"expected events of execution {execution_id!r} in the log, but there are none by then")
    shown = msgspec.to_builtins(state, str_keys=True)
    return Snapshot(
        execution_id=execution_id, sequence=last.sequence, time=last.time, status=status, state=shown, events=count
    )


async def history(log: Log, execution_id: str) -> AsyncIterator[Recorded[Event]]:
    """Every event of an execution, in order."""
    key = root_of(execution_id).encode()
    counts = await log.topics()
    source = TopicPartition(EVENTS, partition_of(key, counts[EVENTS]))
    async for record in committed(log, source, 0):
        if record.key == key:
            recorded = decode_event(record.value or b"")
            if recorded.subject == execution_id:
                yield recorded


async def export(
    log: Log, topics: Sequence[str], sink: Callable[[bytes], None], starts: Mapping[TopicPartition, int] | None = None
) -> int:
    """Every record of ``topics`` as a line of JSON: the CloudEvent with where it stands. Returns how many."""
    counts = await log.topics()
    written = 0
    for topic in topics:
        for partition in range(counts[topic]):
            source = TopicPartition(topic, partition)
            async for record in committed(log, source, (starts or {}).get(source, 0)):
                sink(_line(record))
                written += 1
    return written


def _line(record: Record) -> bytes:
    place = msgspec.json.encode({"topic": record.topic, "partition": record.partition, "position": record.position})
    value = record.value or b"null"
    return place[:-1] + b',"event":' + value + b"}\n"


async def _verify_partition(
    log: Log, source: TopicPartition, kind: Kind, marker: Marker | None, progress: Progress | None
) -> Verdict:
    state = PartitionState(kind)
    chain = _Chain()
    at_marker: str | None = None
    end = await log.end(source)
    async for record in committed(log, source, 0):
        if marker is not None and at_marker is None and record.position >= marker.event_position:
            at_marker = _digest(state)
        chain.follow(record, state)
        if progress is not None:
            progress(f"{source.topic}/{source.partition}", record.position + 1, end)
    if marker is not None and at_marker is None:
        at_marker = _digest(state)
    return Verdict(
        topic=source.topic,
        partition=source.partition,
        events=state.events,
        entities=len(state.entities),
        digest=_digest(state),
        marker_position=marker.event_position if marker else None,
        marker_digest=marker.digest if marker else None,
        replayed_digest=at_marker,
        problems=tuple(chain.problems),
    )


class _Chain:
    """Follows each entity's hash chain and sequence; remembers what does not fit."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._tails: dict[str, tuple[int, str]] = {}
        self._input_position = -1

    def follow(self, record: Record, state: PartitionState) -> None:
        value = record.value or b""
        place = f"{record.topic}/{record.partition} at position {record.position}"
        try:
            recorded = decode_event(value)
            self._check(recorded, value, place)
            state.apply(recorded, value)
        except (Malformed, HistoryBroken) as error:
            self._problem(f"{place}: {error}")

    def _check(self, recorded: Recorded[Event], value: bytes, place: str) -> None:
        if isinstance(recorded.event, OwnershipTaken):
            return
        if recorded.input_position < self._input_position:
            self._problem(f"{place}: expected an input position of at least {self._input_position}")
        self._input_position = max(self._input_position, recorded.input_position)
        if isinstance(recorded.event, PositionAdvanced):
            return
        sequence, tail = self._tails.get(recorded.subject, (0, ""))
        if recorded.sequence != sequence + 1:
            self._problem(f"{place}: expected sequence {sequence + 1} of {recorded.subject}, got {recorded.sequence}")
        if recorded.previous_hash != tail:
            self._problem(f"{place}: expected the hash of the event before of {recorded.subject}, but got another")
        self._tails[recorded.subject] = (recorded.sequence, event_hash(value))

    def _problem(self, sentence: str) -> None:
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(sentence)


def _digest(state: PartitionState) -> str:
    for _ in state.entities.settle():
        pass
    return state.entities.digest()


async def _last_marker(log: Log, partition: int) -> Marker | None:
    found: bytes | None = None
    async for record in committed(log, TopicPartition(SNAPSHOTS, partition), 0):
        if record.key == MARKER and record.value is not None:
            found = record.value
    return decode_marker(found) if found else None
