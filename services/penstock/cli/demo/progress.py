"""What people see while the demo runs: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from rich import progress as rich_progress

from penstock.cli.demo.tally import Tally
from penstock.cli.screen import console

_EVERY: Final = 2.0


class Progress:
    """``totals``: how many executions of which definition there will be."""

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._totals = totals
        self._console = console()
        self._lines = not self._console.is_terminal
        self._bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description:<18}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TextColumn("{task.fields[note]}", style="dim"),
            rich_progress.TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=self._lines,
        )
        self._tasks = {name: self._bars.add_task(name, total=total, note="") for name, total in totals.items()}
        self._next = 0.0

    def __enter__(self) -> Self:
        self._bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.__exit__(kind, error, trace)

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_EVERY if self._lines else 0.1)
        over = {name: tally.over(name) for name in self._totals}
        if self._lines:
            text = ", ".join(f"{name} {count}/{self._totals[name]}" for name, count in over.items())
            self._console.print(f"  {text}; {tally.events:,} events")
            return
        for name, count in over.items():
            outcomes = ", ".join(f"{n} {outcome}" for outcome, n in sorted(tally.by_outcome(name).items()))
            self._bars.update(self._tasks[name], completed=count, note=outcomes)
