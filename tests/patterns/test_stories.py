"""What holds for all stories together, and that a story fails where the engine does something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.definition.read import read_definition
from penstock.log.memory_faults import Fault
from tests.patterns.memory_stage import tell, tell_with_crashes
from tests.patterns.page import BPMN, PAGE, STAGES, YAWL, page, result_of, shown
from tests.patterns.stage import Stage
from tests.patterns.stories import all_stories
from tests.patterns.story import Story

STORIES = all_stories()


def test_there_is_a_story_for_each_of_the_43_patterns() -> None:
    assert [story.number for story in STORIES] == list(range(1, 44))
    assert len({story.name for story in STORIES}) == 43
    for story in STORIES:
        assert story.module.stem.startswith(f"test_p{story.number:02}_")
        assert story.process.exists()


def test_the_page_is_what_the_stories_declare() -> None:
    expected = page(STORIES, {story.number for story in STORIES})
    assert PAGE.read_text() == expected, "run the tests of the patterns, then `python -m tests.patterns.page`"


def test_the_ratings_of_others_add_up_to_what_was_published() -> None:
    assert Counter(BPMN) == {"+": 24, "+/-": 9, "-": 10}
    assert Counter(YAWL) == {"+": 31, "+/-": 3, "-": 9}


def test_a_rating_counts_only_when_every_stage_has_passed_since_the_files_were_changed(tmp_path: Path) -> None:
    story = STORIES[0]
    assert shown([story], tmp_path) == set()
    kept = [result_of(tmp_path, story, stage) for stage in STAGES]
    for each in kept:
        each.write_text(story.digest)
    assert shown([story], tmp_path) == {1}
    for each in kept:
        each.unlink()
        assert shown([story], tmp_path) == set()
        each.write_text("of before")
        assert shown([story], tmp_path) == set()
        each.write_text(story.digest)
    assert "| 1 | Sequence | `-` |" in page(STORIES, set())


def test_stories_that_are_told_at_once_share_no_names() -> None:
    """One engine tells them all: a message of one must not reach another."""
    used = Counter(name for story in STORIES for name in set(_shared(story)))
    assert {name for name, stories in used.items() if stories > 1} == set()


def _shared(story: Story) -> Iterator[str]:
    source = dict(read_definition(story.process.read_text()).value)
    yield f"definition {source['id']}"
    yield from _named(source)


def _named(value: Any) -> Iterator[str]:
    match value:
        case {"name": str(name), "shared": True}:
            yield f"lock {name}"
        case dict():
            yield from (f"{kind} {value[kind]}" for kind in ("message", "signal") if isinstance(value.get(kind), str))
            for each in value.values():
                yield from _named(each)
        case list():
            for each in value:
                yield from _named(each)


def story_of(folder: Path, tell: Any) -> Story:
    """One of a step `a` and then a step `b`."""
    story = Story(99, "Of this test", rating="+", how="")
    story.tell, story.module = tell, folder / "test_p99.py"
    steps = "{a: {task: t, next: b}, b: {task: t}}"
    story.process.write_text(f"id: of-this-test\nversion: 1.0.0\nsteps: {steps}\n")
    return story


def test_the_engine_falls_once_for_each_of_its_commits(tmp_path: Path) -> None:
    told = []

    async def well(stage: Stage) -> None:
        told.append(stage)
        run = await stage.start()
        await run.complete("a")
        await run.complete("b")
        await run.ended()

    story = story_of(tmp_path, well)
    commits = tell(story)
    assert commits >= 3
    for fault in (Fault.LOST, Fault.DOUBTFUL):
        told.clear()
        tell_with_crashes(story, fault)
        assert len(told) == commits + 1


def test_a_story_that_expects_something_else_fails(tmp_path: Path) -> None:
    async def nothing_of_b(stage: Stage) -> None:
        run = await stage.start()
        await run.complete("a")
        await run.nothing_of("b")

    async def two_of_a(stage: Stage) -> None:
        await (await stage.start()).scheduled("a", times=2)

    async def one_of_two(stage: Stage) -> None:
        run = await stage.start()
        await run.complete("a")
        await run.scheduled("b", times=0)

    async def ended(stage: Stage) -> None:
        await (await stage.start()).ended()

    expected = {
        nothing_of_b: "expected nothing of 'b'",
        two_of_a: "expected 2 of 'a' to be offered",
        one_of_two: "expected 0 of 'b' in all",
        ended: "expected the end",
    }
    for untrue, message in expected.items():
        with pytest.raises(AssertionError, match=message):
            tell(story_of(tmp_path, untrue))
