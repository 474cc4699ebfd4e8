"""The read model ``definition_drafts``: one row for the draft of a definition."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.catalog.events import DefinitionPublished, DraftDiscarded, DraftFinding, DraftSaved
from penstock.messages.registry import Event
from penstock.projections import definition_drafts
from penstock.projections.read_model import Place
from penstock.tables.changes import Folded
from tests.projections.story import at, published, recorded

ERROR = DraftFinding(level="graph", severity="error", code="NO_START", message="expected at least one step")
ADVICE = DraftFinding(level="advice", severity="warning", code="QUEUE_NOT_USED", message="no task uses it")


def saved(revision: int = 1, **source: Any) -> DraftSaved:
    return DraftSaved(revision=revision, source={"id": "order", **source}, findings=(ERROR, ADVICE), by="ann")


def row_after(*events: Event) -> dict[str, Any] | None:
    folded = Folded()
    for sequence, event in enumerate(events, 1):
        folded.add(definition_drafts.project(recorded(event, sequence, "order"), Place(0, 0)))
    return folded.rows.get(("order",))


def test_a_saved_draft_is_a_row_with_its_findings() -> None:
    row = row_after(saved(3, version="1.1.0"))
    assert row is not None
    assert (row["revision"], row["version"], row["open"], row["errors"]) == (3, "1.1.0", True, 1)
    assert (row["saved_by"], row["saved_at"], row["findings"]) == ("ann", at(1), (ERROR, ADVICE))


def test_the_steps_of_a_draft_keep_their_order() -> None:
    row = row_after(saved(steps={"zz": {}, "a": {}}))
    assert row is not None
    assert list(msgspec.json.decode(row["source"])["steps"]) == ["zz", "a"]


def test_a_version_that_is_no_text_is_none() -> None:
    row = row_after(saved(version=3))
    assert row is not None
    assert row["version"] is None


def test_a_later_draft_stands_in_the_place_of_the_earlier() -> None:
    row = row_after(saved(1), saved(2, version="2.0.0"))
    assert row is not None
    assert (row["revision"], row["version"], row["sequence"]) == (2, "2.0.0", 2)


def test_a_discarded_draft_is_closed_and_empty() -> None:
    row = row_after(saved(), DraftDiscarded(revision=1))
    assert row is not None
    assert (row["open"], row["source"]) == (False, None)


def test_a_published_draft_is_closed_but_what_was_published_beside_it_leaves_it_alone() -> None:
    event = published("order")
    assert isinstance(event, DefinitionPublished)
    beside, became = row_after(saved(), event), row_after(saved(), msgspec.structs.replace(event, draft=1))
    assert beside is not None
    assert became is not None
    assert (beside["open"], became["open"]) == (True, False)


def test_other_events_change_nothing() -> None:
    assert row_after(published("order")) is None
