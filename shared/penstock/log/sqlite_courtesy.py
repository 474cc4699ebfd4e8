"""
Lets the log's threads run although the event loop never rests.

A thread that waits for the interpreter's lock may demand it only after 5 ms in which nobody else let go of it; a busy
loop lets go for microseconds each time it looks at its sockets, and so keeps the others waiting for seconds (measured:
31 s for one commit). Whoever has waited for a thread for some milliseconds therefore stands aside for a moment.
"""

from __future__ import annotations

import asyncio
import time

_SECONDS_WAITED = 0.004
_SECONDS_ASIDE = 0.001


class Courtesy:
    """Counts what this loop has asked of its threads, on the loop itself."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked = self._answered = self._seen = 0
        self._watching = False

    def asked(self) -> None:
        self._asked += 1
        if not self._watching:
            self._watching = True
            self._seen = self._answered
            self._loop.call_later(_SECONDS_WAITED, self._look)

    def answered(self) -> None:
        self._answered += 1

    def _look(self) -> None:
        if self._answered == self._asked:
            self._watching = False
            return
        if self._answered == self._seen:
            time.sleep(_SECONDS_ASIDE)  # the one place where the loop stands still, and on purpose
        self._seen = self._answered
        self._loop.call_later(_SECONDS_WAITED, self._look)
