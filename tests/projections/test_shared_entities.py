"""What happens to mailboxes, signals and locks makes no row of an execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from penstock.domain.lock.events import LockAwarded
from penstock.domain.mailbox.events import MessageDelivered, MessageKept
from penstock.domain.mailbox.message import Message
from penstock.domain.signal.events import SignalBroadcast
from penstock.domain.subjects import root_of
from penstock.domain.waits import WaitOpened
from penstock.messages.envelope import Recorded
from penstock.messages.registry import NAMES, Event, SharedEvent
from penstock.projections.read_model import Place
from penstock.projections.sets import EVENTS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = Message(id="m", name="paid", key="k", sent_at=NOW, expires_at=NOW + timedelta(days=7))


@pytest.mark.parametrize(
    "event",
    [
        MessageKept(message=MESSAGE),
        MessageDelivered(message=MESSAGE, execution="x", visit=1, option=0),
        WaitOpened(execution="x", visit=1, option=0),
        SignalBroadcast(),
        LockAwarded(execution="x", visit=1, fence=1),
    ],
)
def test_the_read_models_of_executions_pass_them_over(event: Event) -> None:
    assert type(event) in get_args(SharedEvent)
    recorded = Recorded(
        event=event,
        id="mailbox/paid/k/1",
        type=NAMES[type(event)],
        subject="mailbox/paid/k",
        time=NOW,
        sequence=1,
        input_position=1,
        causation_id="c",
        correlation_id="",
        traceparent="",
        previous_hash="",
    )
    assert all(not model.project(recorded, Place(0, 0)) for model in EVENTS.models)
    assert root_of(recorded.subject) == recorded.subject
