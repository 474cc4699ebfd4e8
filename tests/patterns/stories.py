"""All stories, found by their modules."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.patterns.story import Story

HERE = Path(__file__).parent


def all_stories() -> Sequence[Story]:
    """In the order of their numbers."""
    names = [path.stem for path in HERE.glob("test_p[0-9][0-9]_*.py")]
    stories = [import_module(f"{__package__}.{name}").STORY for name in names]
    return sorted(stories, key=lambda story: story.number)
