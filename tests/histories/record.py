"""
Records histories: what the engine makes of some stories today, as it writes it, and the states they lead to.

``python -m tests.histories.record v2`` records the stories of a release. What is recorded is never recorded again: the
tests hold every later release to it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from tests.histories import stories_v1, stories_v2
from tests.histories.world import Stories, Track, World, files

HERE: Final = Path(__file__).parent
RELEASES: Final[Mapping[str, Stories]] = {"v1": stories_v1.STORIES, "v2": stories_v2.STORIES}
"""Each with the stories that it was the first to tell."""


def recorded(release: str, name: str) -> dict[str, Track]:
    """The histories of the story ``name`` as the code tells it today, by the names of their files."""
    texts, play = RELEASES[release][name]
    world = World(list(RELEASES[release]).index(name) + 1, texts)
    play(world)
    return files(name, world)


def record(release: str, folder: Path) -> None:
    """Add to ``folder`` the histories of ``release`` that are not there."""
    folder.mkdir(exist_ok=True)
    for name in RELEASES[release]:
        if (folder / f"{name}.jsonl").exists():
            print(f"{release}/{name} is recorded already", file=sys.stderr)
            continue
        for file, track in recorded(release, name).items():
            (folder / f"{file}.jsonl").write_bytes(b"".join(line + b"\n" for line in track.lines))
            state = msgspec.json.format(msgspec.json.encode(track.ending()), indent=2)
            (folder / f"{file}.state.json").write_bytes(state + b"\n")
            print(f"{release}/{file}: {len(track.lines)} events")


def main(release: str) -> int:
    record(release, HERE / release)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
