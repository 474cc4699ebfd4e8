"""The read model ``definitions``: one row per version."""

from __future__ import annotations

import random
from typing import Any

import pytest

from penstock.catalog.events import DefinitionActivated, DefinitionArchived, DefinitionDeactivated
from penstock.messages.registry import Event
from penstock.projections import definitions
from penstock.projections.definitions import precedence
from penstock.projections.read_model import Place
from penstock.tables.changes import Folded
from tests.projections.story import at, published, recorded, started


def rows_after(*events: Event) -> dict[Any, dict[str, Any]]:
    folded = Folded()
    for sequence, event in enumerate(events, 1):
        folded.add(definitions.project(recorded(event, sequence, "order"), Place(0, 0)))
    return folded.rows


def test_a_published_version_is_a_row_and_active() -> None:
    row = rows_after(published("order", "1.2.0", name="Orders", tags=("sales",)))["order", "1.2.0"]
    assert (row["active"], row["name"], row["tags"], row["published_by"]) == (True, "Orders", ("sales",), "ann")
    assert (row["source"], row["digest"], row["published_at"]) == ('{"id":"order"}', "d" * 64, at(1))


def test_a_definition_without_a_name_is_called_by_its_id() -> None:
    assert rows_after(published("order"))["order", "1.0.0"]["name"] == "order"


def test_a_version_is_switched_off_and_on_alone() -> None:
    off = DefinitionDeactivated(version="1.0.0", by="bob")
    rows = rows_after(published(version="1.0.0"), published(version="1.1.0"), off)
    assert {version: row["active"] for (_, version), row in rows.items()} == {"1.0.0": False, "1.1.0": True}
    assert (rows["order", "1.0.0"]["changed_by"], rows["order", "1.0.0"]["changed_at"]) == ("bob", at(3))
    rows = rows_after(published(version="1.0.0"), off, DefinitionActivated(version="1.0.0"))
    assert rows["order", "1.0.0"]["active"]


def test_every_version_has_the_status_that_it_came_to() -> None:
    off, gone = DefinitionDeactivated(version="1.1.0"), DefinitionArchived(version="1.0.0", by="bob")
    rows = rows_after(*(published(version=version) for version in ("1.0.0", "1.1.0", "1.2.0")), off, gone)
    assert {version: (row["status"], row["active"]) for (_, version), row in rows.items()} == {
        "1.0.0": ("archived", False),
        "1.1.0": ("inactive", False),
        "1.2.0": ("published", True),
    }
    assert rows["order", "1.0.0"]["changed_by"] == "bob"


def test_other_events_change_nothing() -> None:
    assert not rows_after(started())


IN_ORDER = (
    "0.9.9",
    "1.0.0-1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "10.0.0",
)


def test_versions_sort_as_semantic_versions_do() -> None:
    shuffled = list(IN_ORDER)
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=precedence) == list(IN_ORDER)


@pytest.mark.parametrize("version", IN_ORDER)
def test_all_precedences_are_equally_long_because_jsonb_compares_lengths_first(version: str) -> None:
    assert len(precedence(version)) == 9


def test_build_metadata_has_no_precedence() -> None:
    assert precedence("1.0.0+build.7") == precedence("1.0.0")
