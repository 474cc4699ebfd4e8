"""The read model ``execution_timeline``: every event of an execution, with its place."""

from __future__ import annotations

from penstock.domain.execution import events as e
from penstock.domain.partition import PositionAdvanced
from penstock.projections import execution_timeline
from penstock.projections.read_model import Place
from penstock.tables.changes import Append
from tests.projections.story import at, done, published, recorded


def test_every_event_is_a_line_with_its_place_in_the_log() -> None:
    event = done(1)
    (change,) = execution_timeline.project(recorded(event, 4), Place(3, 99))
    assert isinstance(change, Append)
    names = (column.name for column in execution_timeline.TABLE.columns)
    assert dict(zip(names, change.row, strict=True)) == {
        "execution_id": "x1",
        "sequence": 4,
        "id": "x1/4",
        "type": "penstock.task_completed.v1",
        "time": at(4),
        "data": event,
        "partition": 3,
        "position": 99,
        "causation_id": "c1",
        "correlation_id": "k1",
    }


def test_even_an_event_that_no_other_read_model_uses_is_a_line() -> None:
    assert execution_timeline.project(recorded(e.BiteTaken()), Place(0, 0))


def test_what_happens_to_partitions_and_definitions_is_no_line() -> None:
    for event in (PositionAdvanced(), published()):
        assert not execution_timeline.project(recorded(event), Place(0, 0))
