"""Histories of every release still decode, still chain, and still lead to the state that was recorded beside them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from penstock.domain.execution.events import BiteTaken, ExecutionEvent
from penstock.engine.by_kind import ByKind
from penstock.messages.envelope import decode_event
from penstock.messages.registry import NAMES, SharedEvent
from tests.histories.record import HERE, RELEASES

KIND = ByKind(None)
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
    state = None
    for told in map(decode_event, values):
        state = KIND.evolve(told.subject, state, told.event, told.time)
    return msgspec.to_builtins(state, str_keys=True)


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
    second = decode_event(values[1]) if len(values) > 1 else None
    changed = values[0].replace(b'"source":"penstock"', b'"source":"penstick"')
    assert changed != values[0]
    end = second.previous_hash if second else beside(path)["hash"]
    assert end != sha256(changed).hexdigest()


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_has_all_its_histories(release: str) -> None:
    found = {path.stem.partition(".")[0] for path in HISTORIES if path.parent.name == release}
    assert found == set(RELEASES[release])


def test_every_kind_of_event_is_in_some_history() -> None:
    found = {json.loads(value)["type"] for path in HISTORIES for value in lines(path)}
    kinds = {*get_args(ExecutionEvent), *get_args(SharedEvent)} - TOO_LONG
    assert found == {NAMES[kind] for kind in kinds}
