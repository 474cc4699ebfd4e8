"""What handlers return and raise, as it is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel

from penstock.sdk import TaskFailed
from penstock.sdk.failures import failure_of
from penstock.sdk.outputs import OutputInvalid, output_of


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int


class Box(msgspec.Struct):
    point: Point


class Person(BaseModel):
    name: str
    born: datetime


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        ({"a": [1, 2.5, "x", True, None]}, {"a": [1, 2.5, "x", True, None]}),
        ({1: "one"}, {"1": "one"}),
        (Box(Point(1)), {"point": {"x": 1}}),
        ((1, frozenset({2})), [1, [2]]),
        (Person(name="Ada", born=datetime(1815, 12, 10, tzinfo=UTC)), {"name": "Ada", "born": "1815-12-10T00:00:00Z"}),
        ([Colour.RED, Decimal("1.10"), UUID(int=0)], ["red", "1.10", "00000000-0000-0000-0000-000000000000"]),
        (2**53, 2**53),
    ],
)
def test_values_become_json(value: Any, stored: Any) -> None:
    assert output_of(value) == stored


@pytest.mark.parametrize(
    "value",
    [object(), {"f": len}, float("nan"), {"a": [float("inf")]}, Point(float("nan")), "a\0b", "\ud800", 2**53 + 1],  # type: ignore[arg-type]
    ids=repr,
)
def test_what_is_no_json_or_cannot_be_stored_is_refused(value: Any) -> None:
    with pytest.raises(OutputInvalid) as caught:
        output_of(value)
    assert (caught.value.failure.code, caught.value.failure.retryable) == ("OUTPUT_INVALID", False)


def test_nesting_has_an_end() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    for value in (deep, endless):
        with pytest.raises(OutputInvalid):
            output_of(value)


def test_a_failure_can_always_be_stored() -> None:
    failure = failure_of(ValueError("a\0b\ud800" + "x" * 9000))
    assert failure.message.startswith("a\ufffdb?xx")
    assert len(failure.message) == 2000
    assert failure.details is not None
    assert len(failure.details["traceback"]) <= 8000


def test_details_that_are_no_json_are_kept_as_text() -> None:
    assert failure_of(TaskFailed("X", details={"at": datetime(2026, 1, 1, tzinfo=UTC)})).details == {
        "at": "2026-01-01T00:00:00Z"
    }
    failure = failure_of(TaskFailed("X", details={"socket": object()}))
    assert failure.details is not None
    assert failure.details["text"].startswith("{'socket': <object")
    large = failure_of(TaskFailed("X", details={"log": "x" * 100_000}))
    assert large.details is not None
    assert len(large.details["text"]) == 2000


def test_an_exception_that_cannot_be_shown_is_a_failure_all_the_same() -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    failure = failure_of(Unspeakable())
    assert failure.code == "Unspeakable"
    assert failure.message == "(its message cannot be shown: RuntimeError)"
