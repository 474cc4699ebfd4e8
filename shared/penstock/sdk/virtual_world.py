"""Executions and what they share, in memory: the engine's turns, one command after the other, without a log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from penstock.domain.definition.model import Definition
from penstock.domain.execution import commands as c
from penstock.domain.execution.effects import DispatchTask, SendCommand, WithdrawTask
from penstock.domain.execution.react import react
from penstock.domain.execution.refused import refused
from penstock.domain.execution.state import Execution, ExecutionState, NotStarted, due_at
from penstock.domain.execution.turn import turn
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.shared_turn import shared
from penstock.domain.subjects import kind_of

MAX_TURNS: Final = 100_000
NOTHING: Final = NotStarted()


class VirtualWorld:
    """
    ``observe`` hears of every event of an execution, ``work`` of every task that is offered or withdrawn. What entities
    tell one another is decided at once, in the order in which it was said.
    """

    def __init__(
        self,
        definitions: Iterable[Definition],
        now: Callable[[], datetime],
        observe: Callable[[str, Any], None],
        work: Callable[[DispatchTask | WithdrawTask], None],
    ) -> None:
        self._versions: dict[str, dict[str, Definition]] = {}
        for definition in definitions:
            self.publish(definition)
        self._now, self._observe, self._work = now, observe, work
        self.states: dict[str, Any] = {}
        self._turns = 0

    def publish(self, definition: Definition) -> None:
        """Another version, or another workflow; the one published last is the latest."""
        self._versions.setdefault(definition.id, {})[definition.version] = definition

    def execution(self, subject: str) -> ExecutionState:
        state: ExecutionState = self.states.get(subject, NOTHING)
        return state

    def tell(self, subject: str, command: Any) -> None:
        """
        Decide ``command``, and whatever it causes elsewhere.

        Raises:
            Rejected: it was refused. What it causes elsewhere may be, without anybody hearing of it.

        """
        waiting = deque(self._decided(subject, command))
        while waiting:
            to, caused = waiting.popleft()
            try:
                waiting.extend(self._decided(to, caused))
            except Rejected as refusal:
                waiting.extend(_sent(refused(to, caused, refusal.code)))

    def dues(self, beats: Mapping[str, dict[int, datetime]]) -> Mapping[str, datetime]:
        """When the clock has to come back, by subject."""
        found = {}
        for subject, state in self.states.items():
            is_execution = kind_of(subject) == "execution"
            due = due_at(state, beats.get(subject)) if is_execution else shared(subject).due_at(state)
            if due is not None:
                found[subject] = due
        return found

    def _decided(self, subject: str, command: Any) -> Iterator[tuple[str, Any]]:
        self._turns += 1
        if self._turns > MAX_TURNS:
            raise AssertionError(f"expected everything to end within {MAX_TURNS} turns, but {subject} goes on")
        if kind_of(subject) != "execution":
            verbs = shared(subject)
            events, self.states[subject] = verbs.turn(subject, self.states.get(subject), command, self._now())
            return _sent(effect for event in events for effect in verbs.react(subject, event))
        definition, target = self._definitions(self.execution(subject), command)
        events, self.states[subject] = turn(subject, self.execution(subject), command, definition, self._now(), target)
        effects = []
        for event in events:
            self._observe(subject, event)
            for effect in react(subject, event):
                effects.append(effect)
                if isinstance(effect, DispatchTask | WithdrawTask):
                    self._work(effect)
        return _sent(effects)

    def _definitions(self, state: ExecutionState, command: Any) -> tuple[Definition, Definition | None]:
        if isinstance(state, Execution):
            versions = self._versions[state.origin.definition]
            target = versions.get(command.version) if isinstance(command, c.MigrateExecution) else None
            return versions[state.origin.version], target
        wanted = getattr(command, "definition", "")
        found = self._versions.get(wanted, {})
        version = getattr(command, "version", None) or next(reversed(found), "")
        if version in found:
            return found[version], None
        if isinstance(command, c.StartExecution):
            known = ", ".join(sorted(self._versions))
            raise Rejected(
                RejectionCode.DEFINITION_UNKNOWN,
                f"expected one of {known}, but got {wanted!r} {version}: give it in `workflows`",
            )
        return next(iter(next(iter(self._versions.values())).values())), None  # it is going to be refused


def _sent(effects: Iterable[object]) -> Iterator[tuple[str, Any]]:
    return iter([(effect.subject, effect.command) for effect in effects if isinstance(effect, SendCommand)])
