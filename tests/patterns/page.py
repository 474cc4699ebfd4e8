"""
Builds ``docs/patterns.md`` from what the stories declare and what became of them in the last run of their tests:
``python -m tests.patterns.page``. It fails where a pattern is declared better than its tests have shown.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from tests.patterns.stories import all_stories
from tests.patterns.story import Rating, Story

TOP: Final = Path(__file__).parents[2]
PAGE: Final = TOP / "docs" / "patterns.md"
RESULTS: Final = "patterns"
"""The folder of pytest's cache where a run keeps its results: a file for each test that passed."""

STAGES: Final = (
    "memory",
    "memory-crash-loses-the-commit",
    "memory-crash-after-the-commit",
    "embedded",
    "test_calmly",
    "test_with_the_engine_killed_in_the_middle",
)
"""All of these have to have passed."""

_BPMN: Final = "+ + + + + + + + +/- + + + + + - + - - + + + - - + +/- + - +/- + +/- +/- +/- + +/- +/- - - - - +/- + + +"
_YAWL: Final = "+ + + + + + + + + + - + + + + + + + + + +/- + - - + + +/- - + - - - + + + +/- + + + + - - +"
BPMN: Final[Sequence[str]] = _BPMN.split()
YAWL: Final[Sequence[str]] = _YAWL.split()
"""As published: of BPMN 1.0 and of YAWL, in the order of the numbers."""

_HEAD: Final = """\
# The 43 workflow control-flow patterns

The yardstick of the field: the [control-flow patterns](http://www.workflowpatterns.com/patterns/control/) that
van der Aalst, ter Hofstede, Russell and others collected from what workflow systems can do. Each of them stands here
with the construct that does it, a process that uses it, and the story that proves it.

**Penstock has {counts}**; BPMN 1.0 has {bpmn}, YAWL {yawl}.

* `+`: a construct of the language does it. `+/-`: a combination of constructs does it, as described. `-`: it takes
  code of a worker, or cannot be done.
* A `+` counts only if the story of the pattern has passed on every stage:
  in memory, once calmly, once for each commit of the engine with a crash that loses it, and once for each with a crash
  right after it;
  embedded (SQLite, and the tables in Postgres compared with the events at the end);
  on Apache Kafka, once calmly and once with the engine process killed (SIGKILL) in the middle of a step.
  `make prove` kills it at every step of every story.
* A story asserts what can be observed: the events, their number and order, the tasks that were offered, and what is
  refused. Its worker does nothing unasked.

The columns of BPMN and YAWL are the ratings that were published; those of BPMN for 33 to 43 have not been checked
against the publication.

| # | pattern | Penstock | with | BPMN 1.0 | YAWL | process, story |
| --: | --- | :-: | --- | :-: | :-: | --- |
"""
_FOOT: Final = """
What each construct means exactly stands in [semantics](semantics.md), how it is written in
[the definition language](reference/definition-language.md). This page is written by
`python -m tests.patterns.page` from the stories and from the results of `make test`.
"""


def page(stories: Sequence[Story], shown: Collection[int]) -> str:
    """``shown`` are the numbers of the stories that have passed on every stage; the others count as `-`."""
    ratings = {story.number: story.rating if story.number in shown else "-" for story in stories}
    rows = [_row(story, ratings[story.number]) for story in stories]
    head = _HEAD.format(counts=_counts(list(ratings.values())), bpmn=_counts(BPMN), yawl=_counts(YAWL))
    return head + "".join(rows) + _FOOT


def shown(stories: Sequence[Story], folder: Path) -> set[int]:
    """The stories, as their files are now, that have passed all their tests."""
    return {
        story.number
        for story in stories
        if all(_text(result_of(folder, story, stage)) == story.digest for stage in STAGES)
    }


def result_of(folder: Path, story: Story, stage: str) -> Path:
    """The file that holds the digest of ``story`` as it was when it passed; there is none where it did not."""
    return folder / f"{story.number:02}-{stage}"


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _row(story: Story, rating: Rating) -> str:
    process, module = (path.relative_to(TOP) for path in (story.process, story.module))
    cells = [
        str(story.number),
        story.name,
        f"`{rating}`",
        story.how.replace("|", r"\|"),
        f"`{BPMN[story.number - 1]}`",
        f"`{YAWL[story.number - 1]}`",
        f"[process](../{process}), [story](../{module})",
    ]
    return f"| {' | '.join(cells)} |\n"


def _counts(ratings: Sequence[str]) -> str:
    """Say ``31 `+`, 3 `+/-` and 9 `-` ``, without those that there are none of."""
    counts = Counter(ratings)
    parts = [f"{counts[rating]} `{rating}`" for rating in ("+", "+/-", "-") if counts[rating]]
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def main() -> int:
    stories = all_stories()
    passed = shown(stories, TOP / ".pytest_cache" / "d" / RESULTS)
    PAGE.write_text(page(stories, passed))
    missing = [story.number for story in stories if story.number not in passed]
    if missing:
        print(f"expected all tests of these patterns to have passed since they were changed: {missing}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
