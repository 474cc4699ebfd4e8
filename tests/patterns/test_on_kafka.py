"""Every story on a real Kafka: calmly, and with the engine killed in the middle."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass

import pytest

from tests.patterns.kafka_stage import tell_on_kafka
from tests.patterns.stories import all_stories
from tests.patterns.story import Story
from tests.patterns.telling import Results, assert_told

STORIES = [pytest.param(story, id=f"{story.number:02}-{story.name}") for story in all_stories()]
PROVE = os.environ.get("PENSTOCK_PROVE") == "1"
SEED = int(os.environ.get("PENSTOCK_PATTERNS_SEED", "43"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OnKafka:
    calm: Results
    killed: Results


@pytest.fixture(scope="module")
def on_kafka(request: pytest.FixtureRequest, kafka: str) -> OnKafka:
    """All stories of this session, told twice."""
    return asyncio.run(_tell(_selected(request.session), kafka))


async def _tell(stories: list[Story], kafka: str) -> OnKafka:
    calm = await tell_on_kafka(stories, kafka)
    well = [story for story in stories if calm[story.number].error is None]
    places = {
        story.number: [random.Random(f"{SEED}-{story.number}").randrange(calm[story.number].calls)] for story in well
    }
    killed = await tell_on_kafka(well, kafka, places, SEED)
    return OnKafka(calm=calm, killed={**calm, **killed})


def _selected(session: pytest.Session) -> list[Story]:
    found = {item.callspec.params.get("story") for item in session.items if hasattr(item, "callspec")}
    return sorted((story for story in found if isinstance(story, Story)), key=lambda story: story.number)


@pytest.mark.parametrize("story", STORIES)
def test_calmly(story: Story, on_kafka: OnKafka) -> None:
    assert_told(story, on_kafka.calm)


@pytest.mark.parametrize("story", STORIES)
def test_with_the_engine_killed_in_the_middle(story: Story, on_kafka: OnKafka) -> None:
    assert_told(story, on_kafka.killed)


if PROVE:  # not a skipped test: where all servers have to be there, none may be skipped

    def test_with_the_engine_killed_at_every_place(kafka: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Kill k is at step k of every story that has so many."""

        async def prove() -> None:
            stories = all_stories()
            calls = {number: told.calls for number, told in (await tell_on_kafka(stories, kafka)).items()}

            def progress(kill: int) -> None:
                left = sum(count >= kill for count in calls.values())
                with capsys.disabled():
                    print(f"kill {kill} of {max(calls.values())}, in {left} patterns", flush=True)

            places = {number: range(count) for number, count in calls.items()}
            results = await tell_on_kafka(stories, kafka, places, SEED, progress)
            for story in stories:
                assert_told(story, results)

        asyncio.run(prove())
