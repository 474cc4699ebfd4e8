"""
No record that a stranger can write stops an engine: whatever comes in, the next command is decided.

Those marked as expected failures are defects that are known; the mark goes when the defect does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from penstock.domain.execution.commands import StartExecution
from penstock.log.memory import MemoryLog
from penstock.log.port import Batch, Message
from penstock.log.topics import COMMANDS
from penstock.messages.envelope import CONTENT_TYPE
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig

pytestmark = pytest.mark.anyio

ONE = {"id": "one", "version": "1.0.0", "steps": {"a": {"task": "add"}}}
DEEPER = {
    "id": "deeper",
    "version": "1.0.0",
    "variables": {"x": 1, "done": False},
    "steps": {
        "a": {"set": {"x": ["{{ x }}"]}, "next": [{"when": "done", "next": "b"}, {"otherwise": "a"}]},
        "b": {"task": "add"},
    },
}
"""Each time around, the value of ``x`` is one deeper."""


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig(MemoryLog())
    await made.prepare()
    await made.start_engine()
    await made.publish(ONE)
    yield made
    for task in made._engines.values():
        task.cancel()
    await asyncio.wait(made._engines.values())


async def still_decides(rig: Rig) -> None:
    """The engine answers, and does not end instead."""
    asked = asyncio.create_task(rig.ask(StartExecution(definition="one"), new_id()))
    (engine,) = rig._engines.values()
    await asyncio.wait({asked, engine}, return_when=asyncio.FIRST_COMPLETED)
    ended = engine.exception() if engine.done() else None
    asked.cancel()
    await asyncio.wait({asked})
    assert ended is None, repr(ended)
    assert asked.result().outcome == "accepted"


async def send(rig: Rig, *messages: Message) -> None:
    await rig.log.send([Batch(COMMANDS, 0, messages)])


def pause(subject: str, **fields: Any) -> Message:
    command = {"id": "1", "type": "penstock.pause_execution.v1", "subject": subject, "data": {}, **fields}
    return Message(subject.encode(), json.dumps(command, ensure_ascii=False).encode(), (CONTENT_TYPE,))


@pytest.mark.parametrize(
    "message",
    [
        Message(b"", b"junk"),
        Message(b"k", None),
        Message(b"k", b""),
        Message(b"\xff\xfe", b'{"id":"1","type":"penstock.pause_execution.v1","subject":"s","data":{}}'),
        Message(b"k", b"x" * 999_000),
        Message(b"k" * 999_000, b"x"),
        Message(b"k", b"junk", (("content-type", b"\xff"), ("", b""))),
        Message(b"k", b"[" * 900_000),
        pause("partition/0"),
        pause("not-a-uuid", traceparent="x" * 900_000, correlationid="y" * 90_000),
    ],
    ids=[
        "no key",
        "no value",
        "empty",
        "key not UTF-8",
        "large",
        "large key",
        "odd headers",
        "brackets",
        "of a partition",
        "long traces",
    ],
)
async def test_a_record_that_is_no_command_stops_nobody(rig: Rig, message: Message) -> None:
    await send(rig, message)
    await still_decides(rig)


async def test_an_answer_that_does_not_fit_stops_nobody(rig: Rig) -> None:
    subject = new_id()
    spare = rig.log.max_record - len(pause(subject, replyto="").value or b"") - 100
    await send(rig, pause(subject, replyto="x" * spare))
    await still_decides(rig)


async def test_a_dead_letter_that_does_not_fit_stops_nobody(rig: Rig) -> None:
    await send(rig, Message(b"k", b"x" * 990_000, (("h", b"y" * 9_950),)))
    await still_decides(rig)


async def test_many_refusals_in_one_batch_stop_nobody(rig: Rig) -> None:
    long = "\U0001f600" * 196
    await send(rig, *(pause(f"{n:04}{long}", id=f"{n:04}{long}") for n in range(1000)))
    await still_decides(rig)


async def test_a_value_that_grows_deeper_in_a_loop_stops_nobody(rig: Rig) -> None:
    await rig.publish(DEEPER)
    await rig.send(StartExecution(definition="deeper"), new_id())
    await still_decides(rig)
