"""Histories of every release still decode, still chain, and still lead to the state that was recorded beside them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from penstock.domain.execution.events import BiteTaken, ExecutionEvent
from penstock.domain.execution.evolve import fold
from penstock.messages.envelope import decode_event
from penstock.messages.registry import NAMES
from tests.histories.record import HERE, STORIES

HISTORIES = sorted(HERE.glob("v*/*.jsonl"))
each_history = pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")

TOO_LONG = {BiteTaken}
"""A decision of a thousand events would be a file of half a megabyte."""


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def beside(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_name(f"{path.stem}.state.json").read_text(encoding="utf-8"))
    return found


def folded(values: list[bytes]) -> Any:
    recorded = [decode_event(value) for value in values]
    events = [(r.event, r.time) for r in recorded if isinstance(r.event, get_args(ExecutionEvent))]
    assert len(events) == len(values), "a history holds events of one execution only"
    return msgspec.to_builtins(fold(events), str_keys=True)


@each_history
def test_a_history_leads_to_the_state_that_was_recorded_beside_it(path: Path) -> None:
    # Through JSON, because that is how the recorded one was kept.
    assert json.loads(json.dumps(folded(lines(path)))) == beside(path)["state"]


@each_history
def test_a_history_leads_there_by_the_same_way(path: Path) -> None:
    """An ended execution keeps little: what moved meanwhile shows only on the way."""
    values = lines(path)
    along = [folded(values[:count]) for count in range(1, len(values) + 1)]
    assert json.loads(json.dumps(along)) == beside(path)["along"]


@each_history
def test_every_event_of_a_history_carries_the_hash_of_the_one_before(path: Path) -> None:
    previous, subject = "", beside(path)["subject"]
    for number, value in enumerate(lines(path), 1):
        recorded = decode_event(value)
        assert (recorded.subject, recorded.sequence, recorded.id) == (subject, number, f"{subject}/{number}")
        assert recorded.previous_hash == previous
        previous = sha256(value).hexdigest()
    assert (len(lines(path)), previous) == (beside(path)["sequence"], beside(path)["hash"])


@each_history
def test_a_changed_byte_is_noticed(path: Path) -> None:
    """The counterpart of the test above: a chain that held for anything would prove nothing."""
    values = lines(path)
    first = values[0].replace(b'"recorded"', b'"recorder"')
    assert first != values[0]
    assert decode_event(values[1]).previous_hash != sha256(first).hexdigest()


def test_the_first_release_has_all_its_histories() -> None:
    assert {path.stem for path in HISTORIES if path.parent.name == "v1"} == set(STORIES)


def test_every_kind_of_event_is_in_some_history() -> None:
    found = {json.loads(value)["type"] for path in HISTORIES for value in lines(path)}
    assert found == {NAMES[kind] for kind in get_args(ExecutionEvent) if kind not in TOO_LONG}
