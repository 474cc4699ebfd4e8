"""What each module of a pattern declares: its number, name and rating, the construct that does it, and its story."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from tests.patterns.stage import Stage

Rating: TypeAlias = Literal["+", "+/-", "-"]
Tell: TypeAlias = Callable[["Stage"], Awaitable[None]]
Perform: TypeAlias = Callable[["Story"], None]


class Story:
    """``told`` is the decorator of the story. The process stands beside it: ``p03_x.yaml`` by ``test_p03_x.py``."""

    def __init__(self, number: int, name: str, *, rating: Rating, how: str) -> None:
        self.number, self.name, self.rating, self.how = number, name, rating, how
        self.tell: Tell = _untold
        self.module = Path()

    def told(self, tell: Tell) -> Tell:
        self.tell, self.module = tell, Path(inspect.getfile(tell))
        return tell

    @property
    def process(self) -> Path:
        return self.module.with_name(f"{self.module.stem.removeprefix('test_')}.yaml")

    @property
    def digest(self) -> str:
        """Changes with the files of the story."""
        return sha256(self.module.read_bytes() + self.process.read_bytes()).hexdigest()[:16]

    def tests(self) -> Callable[[Perform], None]:
        """The test of a module: ``test_story = STORY.tests()``; it is run on every stage of the fixture ``perform``."""

        def test(perform: Perform) -> None:
            perform(self)

        test.story = self  # type: ignore[attr-defined]
        return test


async def _untold(stage: Stage) -> None:
    raise NotImplementedError("expected a story under @STORY.told")
