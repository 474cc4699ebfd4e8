"""The command line as people run it: a process of its own, whose children can be counted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PENSTOCK: tuple[str, ...] = (sys.executable, "-m", "penstock.cli.main")


def environment(**more: str) -> dict[str, str]:
    """That of this process, without its settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")} | more


def started(
    arguments: Sequence[str], folder: Path, *, temporary: Path | None = None, output: Path | None = None
) -> subprocess.Popen[str]:
    """A command at work in ``folder``; what it writes goes to the file ``output``."""
    more = {"TMPDIR": str(temporary)} if temporary else {}
    sink = output.open("w") if output else subprocess.PIPE
    return subprocess.Popen(
        [*PENSTOCK, *arguments], cwd=folder, env=environment(**more), stdout=sink, stderr=subprocess.STDOUT, text=True
    )


def ran(arguments: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PENSTOCK, *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def processes_about(path: Path) -> Mapping[int, str]:
    """Every process with ``path`` in its command line or as its working folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:  # it has ended meanwhile, or is not ours
            continue
        if str(path) in line or place.startswith(str(path)):
            found[int(entry.name)] = line
    return found
