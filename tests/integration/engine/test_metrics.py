"""What an engine tells of itself in numbers."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from penstock.domain.execution.commands import CancelExecution
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.subjects import mailbox_of
from penstock.engine.metrics import EngineMetrics
from penstock.log.memory import MemoryLog
from penstock.runtime.ids import new_id
from tests.integration.engine.rig import Rig
from tests.integration.engine.test_engine import W3, WAITING, add

pytestmark = pytest.mark.anyio


async def test_an_engine_counts_what_is_open_waits_was_refused_and_put_aside() -> None:
    rig = Rig(MemoryLog())
    await rig.prepare()
    engine = await rig.start_engine()
    registry = CollectorRegistry()
    registry.register(EngineMetrics(engine))
    await rig.publish(W3)
    await rig.publish({**WAITING, "steps": {"a": {"wait": "1h"}}})
    ended = await rig.start("w3")
    await rig.work({"add": add}, rig.ended(ended))
    await rig.start("waiting")
    await rig.start("waiting", n=2)
    await rig.ask(CancelExecution(), new_id())
    await rig.send_raw(b"k", b"junk")
    await rig.start("w3")

    await rig.ask(SendMessage(message_id="m1"), mailbox_of("paid", "k"))

    def value(name: str, **more: str) -> float | None:
        labels = {"topic": "commands", "partition": "0", **more}
        return registry.get_sample_value(f"penstock_engine_{name}", labels)

    assert (value("open", kind="execution"), value("open", kind="mailbox")) == (3, 1)
    assert (value("refused_total"), value("dead_letters_total")) == (1, 1)
    # Two waits, the offer that is made again before the queue forgets it, and a message that will expire.
    assert value("timers") == 4
    assert value("repeat_window_seconds") == 24 * 3600
    await rig.close()
