"""What ``show`` and ``watch`` say about an event, in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from penstock.cli.telling import told
from penstock.domain.errors import Failure
from penstock.domain.execution import events as e

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CARD = Failure(code="CARD", message="no money")
SAID: list[tuple[Any, str]] = [
    (e.ExecutionStarted(definition="order", version="1.0.0", digest="d", status="running"), "order  1.0.0  running"),
    (e.TaskScheduled(visit=1, step="pay", task="charge"), "pay  charge"),
    (e.TaskScheduled(visit=1, step="pay", task="charge", attempt=2), "pay  charge  attempt 2"),
    (e.TaskScheduled(visit=3, step="pay", task="refund", undoes=1), "pay  refund  undoes visit 1"),
    (e.TaskScheduled(visit=3, step="call", task="call", adhoc="ann"), "call  call  added by ann"),
    (e.TaskCompleted(visit=1, step="pay", attempt=1, set={"paid": 1}, by="ann"), "pay  sets paid  by ann"),
    (
        e.TaskFailed(visit=1, step="pay", attempt=1, failure=CARD, retry_at=NOON),
        "pay  again at 2026-01-01T12:00:00Z  CARD: no money",
    ),
    (
        e.TaskFailed(visit=1, step="pay", attempt=1, failure=Failure(code="BANK_DOWN", kind="integration")),
        "pay  BANK_DOWN (integration): ",
    ),
    (
        e.StepFailed(visit=1, step="nap", failure=Failure(code="STEP_TIMED_OUT", message="too late")),
        "nap  STEP_TIMED_OUT (system): too late",
    ),
    (e.TimerStarted(visit=1, step="nap", due_at=NOON), "nap  until 2026-01-01T12:00:00Z"),
    (e.StepCancelled(visit=1, step="pay", reason="too late"), "pay  too late"),
    (e.StepSkipped(visit=1, step="pay", reason="paid in cash", by="ann"), "pay  paid in cash  by ann"),
    (e.MessageSent(visit=1, step="tell", name="paid", key="o-1"), "tell  paid  o-1"),
    (
        e.WaitsOpened(visit=1, step="w", waits=(e.Wait(option=0, source="mailbox/paid/o-1"),), timers={1: NOON}),
        "w  for mailbox/paid/o-1  until 2026-01-01T12:00:00Z",
    ),
    (e.BoundaryTriggered(visit=1, step="pay", option=100, cause="CARD"), "pay  CARD"),
    (e.BlockStarted(visit=1, step="again", round=3), "again  round 3"),
    (e.EachStarted(visit=1, step="all", items=[1, 2]), "all  2 items"),
    (e.CopyStarted(visit=2, step="all", scope=1, index=1), "all  copy 1"),
    (e.ChildStarted(visit=1, step="call", child="x:1", definition="other"), "other  call  x:1"),
    (e.LockGranted(visit=1, step="desk", lock="desk", fence=7), "desk  desk  fence 7"),
    (e.VariablesSet(set={"limit": 1, "name": "n"}, by="ann"), "sets limit, name  by ann"),
    (e.ExecutionMigrated(version="2.0.0", digest="d", by="ann"), "2.0.0  by ann"),
    (e.ExecutionPaused(reason="audit", by="ann", status="paused"), "audit  by ann  paused"),
    (e.ExecutionFailed(failure=CARD, step="pay", purge_at=NOON, status="failed"), "pay  CARD: no money  failed"),
]


@pytest.mark.parametrize(("event", "said"), SAID, ids=lambda value: type(value).__name__)
def test_an_event_is_told_in_one_line(event: Any, said: str) -> None:
    assert told(json.loads(msgspec.json.encode(event))) == said


@pytest.mark.parametrize("kind", get_args(e.ExecutionEvent), ids=lambda kind: kind.__name__)
def test_an_event_of_any_kind_is_told_even_where_every_field_says_something(kind: Any) -> None:
    whole = {field.name: _something(field.name) for field in msgspec.structs.fields(kind)}
    line = told(whole)
    assert "\n" not in line
    assert len(line) > 0 or kind in (e.BiteTaken,)


def _something(name: str) -> Any:
    failure = {"code": "C", "message": "m"}
    rich: dict[str, Any] = {
        **dict.fromkeys(("visit", "scope", "attempt", "round", "index", "option", "fence", "undoes"), 2),
        **{key: {"a": 1} for key in ("set", "variables", "input")},
        **{key: ["a", "b"] for key in ("items", "visits", "children", "taken", "consumed", "tags")},
        **dict.fromkeys(("failure", "escalation"), failure),
        "waits": [{"option": 0, "source": "signal/stop"}],
        "timers": {"1": "2026-01-01T12:00:00Z"},
    }
    return rich.get(name, "text")
