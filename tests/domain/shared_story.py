"""Rules of the entities that executions share, as sentences: given a past, when a command comes, then these events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import msgspec

from penstock.domain.execution.commands import FireTimers
from penstock.domain.execution.effects import SendCommand
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.waits import CloseWait, OpenWait

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Story:
    """
    An entity and its clock. Checks after every step that the state equals the folded history, and that a state which
    was put away comes back as the same bytes.
    """

    decide: Callable[[Any, Any, datetime], tuple[Any, ...]]
    evolve: Callable[[Any, Any], Any]
    react: Callable[[Any], tuple[SendCommand, ...]]
    due_at: Callable[[Any], datetime | None]
    nothing: Any
    now: datetime = NOON
    history: list[Any] = field(default_factory=list)
    events: tuple[Any, ...] = ()
    rejected: Rejected | None = None

    def __post_init__(self) -> None:
        self.state = self.nothing

    def when(self, command: Any, *, after: float = 0) -> Self:
        """``after`` is seconds since the last command."""
        self.now += timedelta(seconds=after)
        self.events, self.rejected = (), None
        try:
            self.events = self.decide(self.state, command, self.now)
        except Rejected as rejected:
            self.rejected = rejected
        self.history.extend(self.events)
        for event in self.events:
            self.state = self.evolve(self.state, event)
        self._check()
        return self

    def passes(self, seconds: float) -> Self:
        """Time passes, and the clock comes by."""
        return self.when(FireTimers(), after=seconds)

    def again(self, command: Any) -> Self:
        """The same command once more adds nothing."""
        return self.when(command).then()

    def then(self, *expected: Any) -> Self:
        """Exactly these events, in this order."""
        assert self.rejected is None, f"refused: {self.rejected}"
        assert list(self.events) == list(expected)
        return self

    def then_rejected(self, code: RejectionCode) -> Self:
        assert self.rejected is not None, f"accepted: {self.events}"
        assert self.rejected.code == code
        assert self.rejected.detail.startswith("expected ")
        return self

    def then_sends(self, *expected: tuple[str, Any]) -> Self:
        """Exactly these commands to these subjects."""
        sent = [(effect.subject, effect.command) for event in self.events for effect in self.react(event)]
        assert sent == list(expected)
        return self

    def _check(self) -> None:
        folded = self.nothing
        for event in self.history:
            folded = self.evolve(folded, event)
        assert folded == self.state
        packed = msgspec.msgpack.encode(self.state)
        restored = msgspec.msgpack.decode(packed, type=type(self.state))
        assert restored == self.state
        assert msgspec.msgpack.encode(restored) == msgspec.msgpack.encode(folded) == packed


def opens(execution: str = "x", visit: int = 1, option: int = 0) -> OpenWait:
    return OpenWait(execution=execution, visit=visit, option=option)


def closes(execution: str = "x", visit: int = 1, option: int = 0) -> CloseWait:
    return CloseWait(execution=execution, visit=visit, option=option)
