"""Pattern 39, Critical Section: of two regions with one lock, only one is under way at any moment."""

from __future__ import annotations

import random

from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.state import Execution, OpenTask
from tests.domain.execution import story as rules
from tests.patterns.stage import Run, Stage, Story

STORY = Story(39, "Critical Section", rating="+", how="`lock: bench` on two blocks")
test_story = STORY.tests()


@STORY.told
async def story(stage: Stage) -> None:
    for first, second in (("chair", "table"), ("table", "chair")):
        for at_the_bench in (False, True):
            await _two_jobs(stage, first, second, at_the_bench=at_the_bench)


async def _two_jobs(stage: Stage, first: str, second: str, *, at_the_bench: bool) -> None:
    """``at_the_bench``: the second job is prepared when the first one has begun at the bench already."""
    run = await stage.start()
    for job in (first, second):
        await run.scheduled(f"prepare_{job}")
    await run.complete(f"prepare_{first}")
    await run.scheduled(f"saw_{first}")
    if at_the_bench:
        await run.complete(f"saw_{first}")
        await run.scheduled(f"glue_{first}")
    await run.complete(f"prepare_{second}")
    await run.nothing_of(f"saw_{second}")
    if not at_the_bench:
        await run.complete(f"saw_{first}")
        await run.scheduled(f"glue_{first}")
        await run.nothing_of(f"saw_{second}")
    for step in (f"glue_{first}", f"saw_{second}", f"glue_{second}"):
        await run.scheduled(step)
        await run.complete(step)
    assert await run.ended() is None
    chair, table = (_at_the_bench(run, job) for job in ("chair", "table"))
    assert chair[1] < table[0] or table[1] < chair[0], "both jobs were at the bench"


def _at_the_bench(run: Run, job: str) -> tuple[int, int]:
    """From where to where in the events a job had the bench; both of its tasks were done, once each."""
    (begun,) = run.places("scheduled", f"saw_{job}")
    (done,) = run.places("completed", f"glue_{job}")
    assert run.count("completed", f"saw_{job}") == run.count("scheduled", f"glue_{job}") == 1
    return begun, done


def test_in_a_hundred_runs_in_any_order_both_jobs_are_done_and_never_both_at_the_bench() -> None:
    for seed in range(100):
        chance = random.Random(seed)
        told = rules.given(STORY.process.read_text()).started()
        at_the_bench: set[str] = set()
        while isinstance(told.state, Execution):
            visits = sorted(told.state.visits.items())
            number, task = chance.choice([(n, visit) for n, visit in visits if isinstance(visit, OpenTask)])
            told.when(c.CompleteTask(visit=number, attempt=task.attempt))
            if task.step.startswith("glue"):
                at_the_bench.discard(task.step.removeprefix("glue_"))
            begun = [event.step for event in told.events if isinstance(event, e.TaskScheduled)]
            at_the_bench.update(step.removeprefix("saw_") for step in begun if step.startswith("saw"))
            assert len(at_the_bench) <= 1, f"seed {seed}"
        done = [event.step for event, _ in told.history if isinstance(event, e.TaskCompleted)]
        assert sorted(done) == sorted(
            f"{what}_{job}" for what in ("prepare", "saw", "glue") for job in ("chair", "table")
        )
