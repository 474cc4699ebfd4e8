"""Who folds events as the page about the wire says, and knows no definition, knows what the engine knows."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from penstock.domain.subjects import kind_of
from tests.docs.test_wire_format import PAGE
from tests.histories.record import RELEASES, recorded
from tests.histories.world import Track

ENTER = (
    "task_scheduled timer_started listening_started lock_requested block_started each_started copy_started "
    "child_started compensation_started step_failed"
)
LEAVE = (
    "task_completed child_completed timer_fired message_received signal_received block_completed each_completed "
    "copy_completed compensation_completed step_skipped step_cancelled boundary_triggered"
)
PASS = "step_passed message_sent signal_sent escalation_raised child_detached"
ENDED = {"completed", "cancelled", "terminated"}

TRACKS = [
    pytest.param(track, id=f"{release}/{file}")
    for release, stories in RELEASES.items()
    for name in stories
    for file, track in recorded(release, name).items()
    if kind_of(track.subject) == "execution"
]


class Reader:
    """Steps and scopes of open visits, tokens by scope, and what has arrived at joins."""

    def __init__(self) -> None:
        self.status = ""
        self.visits: dict[int, tuple[str, int]] = {}
        self.tokens: dict[int, Counter[str]] = {}
        self.arrived: dict[tuple[int, str], set[str]] = {}

    def take(self, kind: str, data: dict[str, Any]) -> None:
        self.status = data.get("status") or self.status
        visit, scope = data.get("visit", 0), data.get("scope", 0)
        own = self.visits[visit][1] if "scope" not in data and visit in self.visits else scope
        for transition in data.get("consumed", ()):
            self.tokens[own][transition] -= 1
        if kind in ENTER.split():
            if kind in ("block_started", "each_started", "step_failed"):
                self.close(visit)
            self.visits[visit] = (data["step"], own)
        elif kind in LEAVE.split() and (kind != "boundary_triggered" or data.get("cancels", True)):
            self.close(visit)
        elif kind in PASS.split():
            self.visits.pop(visit, None)
        elif kind == "branch_arrived":
            self.arrive(own, data)
        elif kind == "step_rerun":
            self.arrived = {place: ways for place, ways in self.arrived.items() if place[0] != own}
        to = visit if kind in ("block_started", "copy_started") else own
        self.tokens.setdefault(to, Counter()).update(data.get("taken", ()))

    def close(self, visit: int) -> None:
        self.visits.pop(visit, None)
        self.tokens.pop(visit, None)
        self.arrived = {place: ways for place, ways in self.arrived.items() if place[0] != visit}

    def arrive(self, scope: int, data: dict[str, Any]) -> None:
        ways = self.arrived.setdefault((scope, data["step"]), set())
        ways.update(data["consumed"])
        if data.get("ends"):
            del self.arrived[scope, data["step"]]

    def known(self) -> tuple[Any, ...]:
        tokens = {s: dict(+lying) for s, lying in self.tokens.items() if +lying}
        return self.visits, tokens, self.arrived


def held(state: dict[str, Any]) -> tuple[Any, ...]:
    """The same of the engine's own state, as it is kept beside a history."""
    visits = {int(n): (visit["step"], visit.get("scope", 0)) for n, visit in state.get("visits", {}).items()}
    tokens = {int(scope): lying for scope, lying in state.get("tokens", {}).items()}
    arrived = {
        (int(scope), step): set(wave.get("arrived", ()))
        for scope, here in state.get("waves", {}).items()
        for step, wave in here.items()
    }
    return visits, tokens, arrived


@pytest.mark.parametrize("track", TRACKS)
def test_a_reader_without_a_definition_knows_where_an_execution_stands(track: Track) -> None:
    reader = Reader()
    for line, state in zip(track.lines, track.along, strict=True):
        event = json.loads(line)
        reader.take(event["type"].split(".")[1], event["data"])
        if state["type"] == "ended":
            assert reader.status in ENDED
        else:
            assert reader.known() == held(state), event["id"]
            assert reader.status == state.get("status", "running")


def test_the_page_tells_what_each_of_these_events_makes_of_a_visit() -> None:
    table = PAGE[PAGE.index("To know where an execution stands") : PAGE.index("and by scope:")]
    assert [kind for kind in f"{ENTER} {LEAVE} {PASS}".split() if f"`{kind}`" not in table] == []
