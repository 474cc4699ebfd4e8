"""What must hold of every story: of what is open while everybody rests, and of what is recorded in the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from penstock.domain.execution import events as e
from penstock.domain.execution.owners import unowned
from penstock.domain.execution.state import BackingOff, Ended, Execution, OpenChild, OpenTimer
from penstock.domain.lock import events as le
from penstock.domain.mailbox import events as m
from penstock.domain.subjects import kind_of
from penstock.engine.by_kind import ByKind
from penstock.engine.entities import Entity
from penstock.engine.history import follow, load_snapshots
from penstock.engine.partition_state import PartitionState
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import COMMANDS, EVENTS
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event

States = Mapping[str, Any]
Events = Sequence[Recorded[Event]]


async def replayed(log: Log, partition: int, *, snapshots: bool) -> PartitionState:
    """What the log makes of a partition: from its first event, or as an owner who takes it over."""
    state = PartitionState(ByKind(None))
    if snapshots:
        await load_snapshots(log, partition, state)
    await follow(log, TopicPartition(EVENTS, partition), state)
    return state


async def at_rest(log: Log, partitions: int) -> dict[str, Entity] | None:
    """Every live entity, if every command that is in the log has been decided."""
    found: dict[str, Entity] = {}
    for number in range(partitions):
        state = await replayed(log, number, snapshots=False)
        if state.input_position + 1 < await log.end(TopicPartition(COMMANDS, number)):
            return None
        found.update({entity.id: entity for entity in state.entities})
    return found


async def check_digests(log: Log, partitions: int) -> None:
    """A replay from the first event gives what a new owner makes of the snapshots and the events after them."""
    for number in range(partitions):
        states = [await replayed(log, number, snapshots=snapshots) for snapshots in (False, True)]
        for state in states:
            list(state.entities.settle())
        whole, cached = states
        assert whole.entities.digest() == cached.entities.digest(), f"partition {number}"
        assert {x.id: x for x in whole.entities} == {x.id: x for x in cached.entities}


def check_waits(states: States, ended: set[str], now: datetime) -> None:
    """Whatever waits has an owner that knows of it."""
    kind = ByKind(None)
    for subject, state in states.items():
        if not isinstance(state, Execution):
            continue
        for number, waits in state.waits.items():
            for option, source in waits.sources.items():
                assert option in waits.confirmed, f"{subject}: wait {number}/{option} at {source} is not confirmed"
                assert f"{subject}/{number}/{option}" in _waiting(states[source]), f"{source}: nobody waits {number}"
        for number, held in state.locks.items():
            if held.shared:
                lock, key = states[f"lock/{held.lock}"], f"{subject}/{held.request or number}"
                holds = lock.holder is not None and lock.holder.key == key
                assert holds == held.granted, f"{subject}: {held} but {lock}"
                assert held.granted or key in lock.queue, f"{subject}: {held} but {lock}"
        for visit in state.visits.values():
            if isinstance(visit, OpenChild):
                assert visit.child in states, f"{subject}: waits for {visit.child}, which is not open"
                assert visit.child not in ended
        if any(isinstance(visit, OpenTimer | BackingOff) for visit in state.visits.values()):
            assert state.mode != "running" or kind.due_at(subject, state, {}) is not None, subject
        assert unowned(state, now) == (), f"{subject}: {state}"
    _check_owners(states)


def _check_owners(states: States) -> None:
    """What mailboxes, signals and locks know of is known to the execution, too."""
    for subject, state in states.items():
        match kind_of(subject):
            case "mailbox" | "signal":
                for key in _waiting(state):
                    execution, number, option = key.rsplit("/", 2)
                    waits = states[execution].waits[int(number)]
                    assert waits.sources.get(int(option)) == subject, f"{subject}: {key} is unknown to the execution"
            case "lock":
                for claimant in (*state.queue.values(), *([state.holder] if state.holder else ())):
                    locks = states[claimant.execution].locks
                    assert claimant.visit in {held.request or n for n, held in locks.items()}, f"{subject}: {claimant}"


def _waiting(state: Any) -> list[str]:
    values = list(state.waits.values())
    if values and isinstance(values[0], dict):
        return [key for shelf in values for key in shelf]
    return list(state.waits)


def check_histories(events: Events, now: datetime) -> None:
    """Numbers without a gap, every state folded, and nothing open or lying where an execution completes."""
    kind = ByKind(None)
    states: dict[str, Any] = {}
    for subject, own in _by_subject(events):
        assert [r.sequence for r in own] == list(range(1, len(own) + 1)), subject
        state = None
        for recorded in own:
            if isinstance(recorded.event, e.ExecutionCompleted):
                assert isinstance(state, Execution)
                assert not state.visits, f"{subject}: completed with {state.visits}"
                assert not state.tokens, f"{subject}: completed with {state.tokens}"
                assert not state.locks, f"{subject}: completed with {state.locks}"
                assert not state.waits, f"{subject}: completed with {state.waits}"
            state = kind.evolve(subject, state, recorded.event, recorded.time)
        states[subject] = state
        if kind_of(subject) == "execution":
            assert isinstance(state, Ended), f"{subject}: {state}"
            completed = Counter(r.event.visit for r in own if isinstance(r.event, e.TaskCompleted))
            assert set(completed.values()) <= {1}, f"{subject}: {completed}"
    check_waits({s: state for s, state in states.items() if not isinstance(state, Ended)}, set(), now)
    check_messages(events, states)


def check_messages(events: Events, states: States) -> None:
    """Each message is consumed at most once; what nobody consumed is kept, or has expired."""
    consumed: Counter[str] = Counter()
    came: dict[str, set[str]] = defaultdict(set)
    sent: Counter[str] = Counter()
    for recorded in events:
        match recorded.event:
            case e.MessageReceived(message=message):
                consumed[message] += 1
            case e.BoundaryTriggered(message=str() as message):
                consumed[message] += 1
            case e.MessageSent(visit=visit):
                sent[f"{recorded.subject}/{visit}"] += 1
            case m.MessageKept(message=message):
                came[recorded.subject].add(message.id)
            case m.MessageDelivered(message=message, direct=True):
                came[recorded.subject].add(message.id)
            case m.MessageExpired(message_id=expired):
                consumed[expired] += 1
    assert set(consumed.values()) <= {1}, consumed
    assert sent.keys() <= {message for box in came.values() for message in box}, "a message was lost on its way"
    for box, messages in came.items():
        assert set(states[box].kept) == messages - consumed.keys(), box


def check_locks(events: Events) -> None:
    """Those of all executions are awarded one after another, with rising fences; so are those of one execution."""
    for subject, own in _by_subject(events):
        if kind_of(subject) == "lock":
            fences = [r.event.fence for r in own if isinstance(r.event, le.LockAwarded)]
            assert fences == list(range(1, len(fences) + 1)), subject
        _check_turns(subject, own)
    _check_shared(events)


def _check_turns(subject: str, own: Events) -> None:
    """Whoever gets a lock gets it free."""
    holder: Any = None
    inner: dict[str, int] = {}
    for recorded in own:
        match recorded.event:
            case le.LockAwarded(execution=execution, visit=visit):
                assert holder is None, f"{subject}: {recorded.event} but {holder} holds it"
                holder = (execution, visit)
            case le.LockReleased(execution=execution, visit=visit):
                assert holder == (execution, visit), f"{subject}: {recorded.event} but {holder} holds it"
                holder = None
            case e.LockGranted(visit=visit, lock=lock, fence=None):
                assert lock not in inner, f"{subject}: {lock} is granted to {visit} but {inner[lock]} holds it"
                inner[lock] = visit
            case e.LockFreed(visit=visit, lock=lock, shared=False):
                if inner.get(lock) == visit:
                    del inner[lock]


def _check_shared(events: Events) -> None:
    """No two executions were in the same critical section at the same time."""
    spans: dict[str, list[tuple[int, Any, Any]]] = defaultdict(list)
    open_spans: dict[tuple[str, int, str], tuple[int, Any]] = {}
    for recorded in events:
        match recorded.event:
            case e.LockGranted(visit=visit, lock=lock, fence=int() as fence):
                open_spans[recorded.subject, visit, lock] = (fence, recorded.time)
            case e.LockFreed(visit=visit, lock=lock, shared=True):
                if (began := open_spans.pop((recorded.subject, visit, lock), None)) is not None:
                    spans[lock].append((*began, recorded.time))
    for lock, held in spans.items():
        held.sort()
        assert len({fence for fence, _, _ in held}) == len(held), lock
        for (_, _, freed), (_, granted, _) in pairwise(held):
            assert freed <= granted, f"{lock}: two held it at once: {held}"


def check_repetitions(events: Events) -> None:
    """All that a command of a caller caused was decided at once: its repetitions changed nothing."""
    caused: dict[tuple[str, str], list[Recorded[Event]]] = defaultdict(list)
    for recorded in events:
        if recorded.causation_id.startswith(("order-", "start-", "message-")):
            caused[recorded.subject, recorded.causation_id].append(recorded)
    for (subject, cause), own in caused.items():
        numbers = [recorded.sequence for recorded in own]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"{subject}: {cause} was decided twice"
        assert len({recorded.time for recorded in own}) == 1, f"{subject}: {cause} was decided twice"
        kinds = Counter(type(r.event) for r in own if getattr(r.event, "by", None) == cause)
        for once in (e.ExecutionPaused, e.ExecutionResumed, e.ExecutionRetried, e.VariablesSet, e.StepRerun):
            assert kinds[once] <= 1, f"{subject}: {cause} was decided twice"
        assert sum(isinstance(r.event, e.TaskScheduled) and r.event.adhoc == cause for r in own) <= 1


def _by_subject(events: Events) -> Iterator[tuple[str, list[Recorded[Event]]]]:
    found: dict[str, list[Recorded[Event]]] = defaultdict(list)
    for recorded in events:
        if recorded.sequence:
            found[recorded.subject].append(recorded)
    yield from found.items()
