"""Mailboxes, signals and locks beside executions: on other partitions, by commands in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from penstock.domain.execution.commands import PauseExecution, StartExecution
from penstock.domain.lock import events as lock_events
from penstock.domain.mailbox import events as mailbox_events
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import lock_of, mailbox_of, root_of, signal_of
from penstock.domain.waits import OpenWait, WaitClosed, WaitOpened
from penstock.engine.replay import state_at, verify
from penstock.log.memory import MemoryLog
from penstock.log.port import Log, TopicPartition
from penstock.log.topics import COMMANDS, dead_letters, partition_of
from penstock.messages.envelope import decode_command
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig
from tests.integration.engine.scripted_executions import owners, took

pytestmark = pytest.mark.anyio

N = 3
PAID = mailbox_of("paid", "order:7/a")
STOCK = signal_of("stock")
PRESS = lock_of("press")


@pytest.fixture
async def scene(log: Log) -> Rig:
    rig = Rig(log, partitions=N)
    await rig.prepare()
    return rig


def apart_from(subject: str) -> str:
    """The id of an execution that lives on another partition."""
    here = partition_of(root_of(subject).encode(), N)
    return next(id_ for id_ in iter(new_id, "") if partition_of(id_.encode(), N) != here)


async def started(rig: Rig, *wants: str, takes: bool = True) -> str:
    execution = apart_from(wants[0])
    said = {"wants": list(wants), "takes": takes}
    answer = await rig.ask(StartExecution(definition="d", input=said), execution)
    assert answer.outcome == "accepted", answer
    return execution


def has(rig: Rig, execution: str, reason: str) -> Callable[[], bool]:
    return lambda: reason in took(rig.history(execution))


def kinds(rig: Rig, subject: str) -> list[type]:
    return [type(recorded.event) for recorded in rig.history(subject)]


async def test_a_wait_and_a_message_find_one_another_across_partitions(scene: Rig) -> None:
    async with owners(scene.log, N):
        execution = await started(scene, PAID)
        await scene.until(has(scene, execution, "confirmed"))
        await scene.ask(SendMessage(message_id="m1", payload={"n": 1}), PAID)
        await scene.until(has(scene, execution, "message m1"))
    assert took(scene.history(execution)) == ["confirmed", "message m1"]
    assert kinds(scene, PAID) == [WaitOpened, mailbox_events.MessageDelivered]
    opened, delivered = scene.history(PAID)
    assert opened.causation_id == f"{execution}/1/1"
    assert opened.correlation_id == execution
    assert [r.causation_id for r in scene.history(execution)[1:]] == [f"{opened.id}/1", f"{delivered.id}/1"]
    assert {r.correlation_id for r in scene.history(execution)} == {execution}
    assert all(verdict.ok for verdict in await verify(scene.log))


async def test_a_message_that_is_refused_goes_to_the_next_who_waits(scene: Rig) -> None:
    async with owners(scene.log, N):
        refuses = await started(scene, PAID, takes=False)
        await scene.until(has(scene, refuses, "confirmed"))
        takes = await started(scene, PAID)
        await scene.until(has(scene, takes, "confirmed"))
        await scene.ask(SendMessage(message_id="m1"), PAID)
        await scene.until(has(scene, takes, "message m1"))
    assert took(scene.history(refuses)) == ["confirmed"]
    first, second = scene.history(PAID)[2:]
    assert isinstance(first.event, mailbox_events.MessageDelivered)
    assert isinstance(second.event, mailbox_events.MessageDelivered)
    assert second.event.message == first.event.message
    assert second.causation_id == f"{first.id}/1/refused/1"


async def test_a_message_that_is_refused_while_nobody_waits_is_the_first_again(scene: Rig) -> None:
    async with owners(scene.log, N):
        await scene.ask(SendMessage(message_id="m1"), PAID)
        await scene.ask(SendMessage(message_id="m2"), PAID)
        await started(scene, PAID, takes=False)
        await scene.until(lambda: mailbox_events.MessageReturned in kinds(scene, PAID))
        takes = await started(scene, PAID)
        await scene.until(has(scene, takes, "message m1"))


async def test_a_message_to_an_execution_that_never_was_comes_back(scene: Rig) -> None:
    async with owners(scene.log, N):
        await scene.send(OpenWait(execution=new_id(), visit=1, option=0), PAID)
        await scene.send(SendMessage(message_id="m1"), PAID)
        await scene.until(lambda: mailbox_events.MessageReturned in kinds(scene, PAID))


async def test_a_wait_that_was_closed_gets_nothing(scene: Rig) -> None:
    async with owners(scene.log, N):
        execution = await started(scene, PAID)
        await scene.ask(PauseExecution(reason=f"close {PAID}"), execution)
        await scene.until(lambda: WaitClosed in kinds(scene, PAID))
        await scene.ask(SendMessage(message_id="m1"), PAID)
        await scene.until(lambda: mailbox_events.MessageKept in kinds(scene, PAID))


async def test_a_signal_reaches_all_who_wait_on_every_partition(scene: Rig) -> None:
    async with owners(scene.log, N):
        executions = [await started(scene, STOCK) for _ in range(5)]
        await scene.until(lambda: all("confirmed" in took(scene.history(x)) for x in executions))
        await scene.ask(BroadcastSignal(payload="now"), STOCK)
        await scene.until(lambda: all("signal stock now" in took(scene.history(x)) for x in executions))
        late = await started(scene, STOCK)
        await scene.until(has(scene, late, "confirmed"))
    assert all(took(scene.history(x)) == ["confirmed", "signal stock now"] for x in executions)
    assert took(scene.history(late)) == ["confirmed"]


async def test_a_lock_is_passed_on_and_one_that_is_refused_is_released(scene: Rig) -> None:
    async with owners(scene.log, N):
        first = await started(scene, PRESS)
        await scene.until(has(scene, first, "lock press 1"))
        refuses = await started(scene, PRESS, takes=False)
        await scene.until(lambda: lock_events.LockQueued in kinds(scene, PRESS))
        last = await started(scene, PRESS)
        await scene.until(lambda: kinds(scene, PRESS).count(lock_events.LockQueued) == 2)
        await scene.ask(PauseExecution(reason=f"release {PRESS}"), first)
        await scene.until(has(scene, last, "lock press 3"))
    assert took(scene.history(refuses)) == []
    awarded = [r.event for r in scene.history(PRESS) if isinstance(r.event, lock_events.LockAwarded)]
    assert [(award.execution, award.fence) for award in awarded] == [(first, 1), (refuses, 2), (last, 3)]


async def test_commands_and_the_events_that_cause_them_are_there_together() -> None:
    log = MemoryLog()
    rig = Rig(log, partitions=N)
    await rig.prepare()
    async with owners(log, N):
        execution = await started(rig, PAID)
        await rig.until(has(rig, execution, "confirmed"))
    found = await sent(log)
    assert found == {
        f"{execution}/1/1": (PAID, "penstock.open_wait.v1"),
        f"{PAID}/1/1": (execution, "penstock.confirm_wait.v1"),
    }
    assert set(found) <= {f"{recorded.id}/1" for recorded in rig.events}


async def sent(log: Log) -> dict[str, tuple[str, str]]:
    """Subject and type, by id, of the commands that an engine sent; each is where it belongs."""
    places = {TopicPartition(COMMANDS, number): 0 for number in range(N)}
    found = {}
    async with await log.reader(places) as reader:
        for record in await reader.read(limit=10_000):
            received = decode_command(record.value or b"")
            assert record.key == root_of(received.subject).encode()
            assert record.partition == partition_of(record.key, N)
            if "/" in received.id:
                found[received.id] = (received.subject, received.type)
    return found


async def test_a_repeated_message_is_answered_alike_after_a_restart(rig: Rig) -> None:
    engine = await rig.start_engine()
    first = await rig.ask(SendMessage(message_id="m1"), PAID, "send-1")
    refused = await rig.ask(SendMessage(message_id="m2", ttl=-1), PAID, "send-2")
    assert (first.outcome, refused.code) == ("accepted", "INPUT_INVALID")
    await rig.stop_engine(engine)
    await rig.start_engine()
    assert await rig.ask(SendMessage(message_id="m1"), PAID, "send-1") == first
    again = await rig.ask(SendMessage(message_id="m2", ttl=-1), PAID, "send-2")
    assert (again.code, again.input_position) == (refused.code, refused.input_position)
    other_id = await rig.ask(SendMessage(message_id="m1"), PAID, "send-3")
    assert other_id.outcome == "accepted"
    assert kinds(rig, PAID) == [mailbox_events.MessageKept]


async def test_a_repeated_broadcast_is_one(rig: Rig) -> None:
    await rig.start_engine()
    first = await rig.ask(BroadcastSignal(payload=1), STOCK, "cast-1")
    assert await rig.ask(BroadcastSignal(payload=1), STOCK, "cast-1") == first
    assert len(rig.history(STOCK)) == 1


async def test_a_message_expires_by_the_clock(rig: Rig) -> None:
    await rig.start_engine()
    await rig.ask(SendMessage(message_id="m1", ttl=0.1), PAID)
    await rig.until(lambda: mailbox_events.MessageExpired in kinds(rig, PAID))
    kept, expired = rig.history(PAID)
    assert expired.time - kept.time >= timedelta(seconds=0.1)
    assert expired.causation_id == "clock"


async def test_a_command_for_another_kind_of_entity_is_refused_by_name(rig: Rig) -> None:
    await rig.start_engine()
    for command, subject in (
        (SendMessage(message_id="m1"), new_id()),
        (StartExecution(definition="d"), PAID),
        (BroadcastSignal(), PRESS),
    ):
        answer = await rig.ask(command, subject)
        assert (answer.outcome, answer.code) == ("rejected", "COMMAND_UNKNOWN")
    assert await rig.log.end(TopicPartition(dead_letters(COMMANDS), 0)) >= 3
    assert (await rig.ask(SendMessage(message_id="m1"), PAID)).outcome == "accepted"


@pytest.mark.parametrize(
    "subject", ["mailbox/paid", "mailbox/paid/", "mailbox//k", "mailbox/-x/k", f"mailbox/paid/{'k' * 201}"]
)
async def test_a_mailbox_without_a_sound_name_and_key_is_refused(subject: str) -> None:
    rig = Rig(MemoryLog())
    await rig.prepare()
    await rig.start_engine()
    answer = await rig.ask(SendMessage(message_id="m1"), subject)
    assert answer.code == "ID_INVALID"
    await rig.close()


async def test_the_longest_subject_has_room_on_all_its_way() -> None:
    """Ids are made of ids: that of the mailbox within that of its event, within those of what that causes."""
    subject = mailbox_of("n" * 100, "é" * 200)
    rig = Rig(MemoryLog(), partitions=N)
    await rig.prepare()
    async with owners(rig.log, N):
        await started(rig, subject, takes=False)
        await rig.ask(SendMessage(message_id="m" * 200, payload="x" * 250_000), subject)
        await rig.until(lambda: mailbox_events.MessageReturned in kinds(rig, subject))


async def test_what_others_share_survives_a_restart_and_can_be_looked_at(rig: Rig) -> None:
    engine = await rig.start_engine()
    await rig.ask(SendMessage(message_id="m1", payload={"n": 1}), PAID)
    await rig.stop_engine(engine)
    engine = await rig.start_engine()
    state = engine.owners()[1].state
    assert state is not None
    assert state.entities.counts == {"mailbox": 1}
    await rig.ask(SendMessage(message_id="m2"), PAID)
    assert [r.sequence for r in rig.history(PAID)] == [1, 2]
    snapshot = await state_at(rig.log, PAID, 1)
    assert list(snapshot.state["kept"]) == ["m1"]
    await rig.stop_engine(engine)
    assert all(verdict.ok for verdict in await verify(rig.log))


async def test_a_child_may_start_long_after_its_root_and_others_may_not() -> None:
    rig = Rig(MemoryLog())
    await rig.prepare()
    await rig.start_engine()
    old = "01857f2c-7c00-7000-8000-000000000001"
    assert (await rig.ask(StartExecution(definition="d"), old)).code == "START_TOO_OLD"
    for child in (f"{old}:1", f"{old}:12.3"):
        assert (await rig.ask(StartExecution(definition="d"), child)).code == "DEFINITION_UNKNOWN"
    for wrong in (f"{old}:", f"{old}:a", f"{old}:1.", f"{old}:01", "x:1"):
        assert (await rig.ask(StartExecution(definition="d"), wrong)).code == "ID_INVALID"
    await rig.close()
