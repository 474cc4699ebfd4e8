"""Whatever waits has an owner; what would have none is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from penstock.domain.errors import Failure
from penstock.domain.execution.owners import PATIENCE, unowned
from penstock.domain.execution.state import (
    Claim,
    Execution,
    FailedStep,
    HeldLock,
    Listening,
    OpenBlock,
    OpenChild,
    OpenEach,
    OpenTask,
    OpenTimer,
    Origin,
    Queued,
    Visit,
    Waits,
)
from tests.domain.execution.story import NOON

ORIGIN = Origin(definition="d", version="1", digest="x", started_at=NOON, initiated_by="ann")
TIMER = OpenTimer(step="nap", due_at=NOON)


def state(visits: dict[int, Visit], **more: Any) -> Execution:
    return Execution(origin=ORIGIN, visits=visits, **more)


def reasons(visits: dict[int, Visit], **more: Any) -> list[tuple[int, str]]:
    return [(found.visit, found.reason) for found in unowned(state(visits, **more), NOON)]


def claimed(**claim: Any) -> OpenTask:
    return OpenTask(step="a", scheduled_at=NOON, claim=Claim(worker="w", token="t", claimed_at=NOON, **claim))


OWNED: list[tuple[dict[int, Visit], dict[str, Any]]] = [
    ({1: OpenTask(step="a", scheduled_at=NOON)}, {}),
    ({1: claimed(heartbeat=5.0)}, {}),
    ({1: claimed(expires_at=NOON)}, {}),
    ({1: TIMER}, {}),
    ({1: Listening(step="l")}, {"waits": {1: Waits(sources={0: "signal/s"}, confirmed=(0,))}}),
    ({1: Listening(step="l")}, {"waits": {1: Waits(timers={0: NOON})}}),
    ({1: OpenBlock(step="b"), 2: OpenTimer(step="nap", scope=1, due_at=NOON)}, {}),
    ({1: OpenChild(step="c", child="x:1")}, {}),
    ({1: Queued(step="q")}, {"locks": {1: HeldLock(lock="desk", shared=True)}}),
    ({1: Queued(step="q"), 2: TIMER}, {"locks": {1: HeldLock(lock="k"), 2: HeldLock(lock="k", granted=True)}}),
    ({1: FailedStep(step="f", failure=Failure(code="C"))}, {"mode": "failed", "purge_at": NOON}),
    ({1: OpenBlock(step="b")}, {"mode": "paused"}),
    ({1: OpenBlock(step="b")}, {"unfinished": True}),
]
UNOWNED: list[tuple[dict[int, Visit], dict[str, Any], int, str]] = [
    ({}, {}, 0, "has not ended"),
    ({1: claimed()}, {}, 1, "neither expires"),
    ({1: Listening(step="l")}, {}, 1, "listens for nothing"),
    ({1: OpenBlock(step="b"), 2: TIMER}, {}, 1, "nothing is open in it"),
    ({1: OpenEach(step="e", item="i", at_once=1), 2: TIMER}, {}, 1, "none of its copies"),
    ({1: OpenChild(step="c", child="")}, {}, 1, "without an id"),
    ({1: Queued(step="q"), 2: TIMER}, {}, 1, "asked for none"),
    ({1: Queued(step="q"), 2: TIMER}, {"locks": {1: HeldLock(lock="k")}}, 1, "which nobody holds"),
    ({1: Queued(step="q"), 2: TIMER}, {"locks": {1: HeldLock(lock="k", granted=True)}}, 1, "has not begun"),
    ({1: FailedStep(step="f", failure=Failure(code="C")), 2: TIMER}, {}, 1, "as if it had not"),
    ({1: FailedStep(step="f", failure=Failure(code="C"))}, {"mode": "failed"}, 0, "purged"),
]


@pytest.mark.parametrize(("visits", "more"), OWNED)
def test_what_somebody_ends_is_owned(visits: dict[int, Visit], more: dict[str, Any]) -> None:
    assert reasons(visits, **more) == []


@pytest.mark.parametrize(("visits", "more", "visit", "part"), UNOWNED)
def test_what_nobody_ends_is_named(visits: dict[int, Visit], more: dict[str, Any], visit: int, part: str) -> None:
    ((found, reason),) = reasons(visits, **more)
    assert found == visit
    assert part in reason


def test_a_wait_has_a_minute_to_be_confirmed() -> None:
    opening = state({1: Listening(step="l")}, waits={1: Waits(sources={0: "signal/s"})})
    assert not unowned(opening, NOON + PATIENCE, {1: NOON})
    (found,) = unowned(opening, NOON + PATIENCE + timedelta(seconds=1), {1: NOON})
    assert (found.step, "signal/s" in found.reason) == ("l", True)
