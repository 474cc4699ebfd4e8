"""The stages on which each story is told; those on Kafka, where all are told at once, are in ``test_on_kafka``."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import structlog

from penstock.log.memory_faults import Fault
from tests.patterns.embedded_stage import tell_embedded
from tests.patterns.memory_stage import tell, tell_with_crashes
from tests.patterns.page import RESULTS, result_of
from tests.patterns.story import Perform, Story
from tests.patterns.telling import Results, assert_told

EMBEDDED = "embedded"
STAGES = [
    pytest.param("calm", id="memory"),
    pytest.param("lost", id="memory-crash-loses-the-commit", marks=pytest.mark.slow),
    pytest.param("done", id="memory-crash-after-the-commit", marks=pytest.mark.slow),
    pytest.param(EMBEDDED, id="embedded", marks=pytest.mark.postgres),
]


@pytest.fixture(scope="package", autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of engines have nothing to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


def calmly(story: Story) -> None:
    tell(story)


@pytest.fixture(params=STAGES)
def perform(request: pytest.FixtureRequest) -> Perform:
    match request.param:
        case "calm":
            return calmly
        case "lost":
            return lambda story: tell_with_crashes(story, Fault.LOST)
        case "done":
            return lambda story: tell_with_crashes(story, Fault.DOUBTFUL)
        case _:
            results = request.getfixturevalue("embedded")
            return lambda story: assert_told(story, results)


@pytest.fixture(scope="session")
def embedded(request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All stories of this session that are to be told embedded, told at once."""
    items = [item for item in request.session.items if _stage(item) == EMBEDDED]
    stories = [story for item in items if (story := _story(item)) is not None]
    return tell_embedded(stories, tmp_path_factory.mktemp("patterns"), postgres)


def _stage(item: pytest.Item) -> Any:
    return item.callspec.params.get("perform") if isinstance(item, pytest.Function) and _has_params(item) else None


def _name(item: pytest.Item) -> str:
    """The stage, or the test that tells all stories."""
    assert isinstance(item, pytest.Function)
    return item.callspec.id if "perform" in item.callspec.params else item.originalname


def _story(item: pytest.Item) -> Story | None:
    if not isinstance(item, pytest.Function):
        return None
    given = item.callspec.params.get("story") if _has_params(item) else None
    found = given or getattr(item.obj, "story", None)
    return found if isinstance(found, Story) else None


def _has_params(item: pytest.Function) -> bool:
    return hasattr(item, "callspec")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Keep what became of each test of a story, for the page of the patterns."""
    report: pytest.TestReport = yield
    story, cache = _story(item), getattr(item.config, "cache", None)
    if story is not None and cache is not None and (report.when == "call" or not report.passed):
        kept = result_of(cache.mkdir(RESULTS), story, _name(item))
        if report.passed:
            kept.write_text(story.digest)
        else:
            kept.unlink(missing_ok=True)
    return report
