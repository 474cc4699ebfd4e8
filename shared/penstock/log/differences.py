"""Says how the topics that exist differ from those that are wanted, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from penstock.log.port import Cleanup, TopicSpec

_REPLAY = "choose another prefix (or file) and fill it by replay"
_SETTINGS = "set the topic's settings by hand"


def differences(wanted: Sequence[TopicSpec], existing: Mapping[str, TopicSpec]) -> list[str]:
    """One sentence per difference; none is good. ``extra`` is a matter of the adapter and not looked at."""
    return [sentence for spec in wanted for sentence in _of_topic(spec, existing.get(spec.name))]


def _of_topic(wanted: TopicSpec, found: TopicSpec | None) -> Iterator[str]:
    topic = f"expected topic {wanted.name!r}"
    if found is None:
        yield f"{topic} to exist, but it does not: run `penstock topics apply`"
        return
    if found.partitions != wanted.partitions:
        yield f"{topic} to have {wanted.partitions} partitions, but it has {found.partitions}: {_REPLAY}"
    if found.cleanup != wanted.cleanup:
        loss = "; compaction loses records" if found.cleanup is Cleanup.COMPACT else ""
        yield f"{topic} to have the cleanup policy {wanted.cleanup}, but it has {found.cleanup}{loss}: {_SETTINGS}"
    if found.retention != wanted.retention:
        yield (f"{topic} to be kept {_kept(wanted.retention)}, but it is kept {_kept(found.retention)}: {_SETTINGS}")
    if found.append_time != wanted.append_time:
        clock = {True: "the log", False: "its writers"}
        yield (
            f"{topic} to take its times from {clock[wanted.append_time]}, "
            f"but it takes them from {clock[found.append_time]}: {_SETTINGS}"
        )


def _kept(retention: int | None) -> str:
    return "for ever" if retention is None else f"for {retention} s"
