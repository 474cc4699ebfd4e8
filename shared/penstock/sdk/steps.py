"""The steps of a definition that is written in Python, and the ways between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn, Self, TypeAlias

from penstock.domain.definition.findings import DefinitionInvalid, Finding, Path, path_text

Duration: TypeAlias = timedelta | str | float
"""A length of time, its text (``1h30m``), or seconds. Where a step may compute it, a template is a text too."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a definition, for others to lead to."""

    id: str
    _steps: Steps = field(repr=False)


Target: TypeAlias = Step | str
"""Where a way leads: a step, the id of one that comes later, or ``END``."""


@dataclass(frozen=True, slots=True)
class StepWithNext(Step):
    """A step that leads on by ``then`` or by ``choose``, once; the path ends with it if by neither."""

    def then(self, step: Target, /, *parallel: Target) -> Self:
        """Lead to ``step``, or to several at once. The result is this step again, not the one that it leads to."""
        targets = self._steps.ids_of((step, *parallel))
        self._steps.lead(self.id, targets if parallel else targets[0])
        return self

    def choose(self, branch: Branch, /, *more: Branch) -> Self:
        """Lead to where the first branch leads that holds."""
        self._steps.lead(self.id, self._steps.branches_of((branch, *more)))
        return self


@dataclass(frozen=True, slots=True)
class Branch:
    """A way that is taken when ``condition`` holds; without one, when no other does."""

    target: Target
    condition: str | bool | None = None


def when(condition: str | bool, target: Target) -> Branch:
    """The branch to ``target`` if ``condition`` holds: an expression, without ``{{ }}``."""
    return Branch(target, condition)


def otherwise(target: Target) -> Branch:
    """The branch to ``target`` if no condition holds."""
    return Branch(target)


class Steps:
    """
    The steps of one body as far as they are written, in the order in which they were added.

    ``known`` are the ids of the whole definition, which its bodies share.
    """

    def __init__(self, definition: str, known: set[str] | None = None) -> None:
        self._definition = definition
        self._known = set[str]() if known is None else known
        self.sources: dict[str, dict[str, Any]] = {}

    def inner(self) -> Steps:
        """Those of a body of one of these steps."""
        return Steps(self._definition, self._known)

    def add(self, id: str, step: dict[str, Any]) -> StepWithNext:  # noqa: A002 - the word of the definition language
        self.put(id, step)
        return StepWithNext(id, self)

    def add_fork(self, id: str, step: dict[str, Any]) -> Step:  # noqa: A002
        """A step whose ways are its kind, so that it leads nowhere else."""
        self.put(id, step)
        return Step(id, self)

    def put(self, id: str, step: dict[str, Any]) -> None:  # noqa: A002
        if id in self._known:
            refuse("DUPLICATE_KEY", f"expected one step {id!r}, but there is another before it", ("steps", id))
        self._known.add(id)
        self.sources[id] = step

    def lead(self, id: str, following: Any) -> None:  # noqa: A002
        step = self.sources[id]
        if "next" in step:
            message = f"expected step {id!r} to lead on once, but it does already"
            refuse("CONFLICT", message, ("steps", id, "next"), "give all targets, or all branches, in one call")
        step["next"] = following

    def ids_of(self, targets: Sequence[Target]) -> list[str]:
        return [self.id_of(target) for target in targets]

    def branches_of(self, branches: Sequence[Branch]) -> list[dict[str, Any]]:
        return [
            {"otherwise": self.id_of(branch.target)}
            if branch.condition is None
            else {"when": branch.condition, "next": self.id_of(branch.target)}
            for branch in branches
        ]

    def id_of(self, target: Target) -> str:
        if not isinstance(target, Step):
            return target
        if target._steps._known is not self._known:
            message = f"expected a step of {self._definition!r}, but {target.id!r} is one of another definition"
            refuse("DANGLING_REFERENCE", message, ("steps", target.id))
        return target.id


def refuse(code: str, message: str, path: Path, suggestion: str = "") -> NoReturn:
    """
    Tell at once what no source could hold.

    Raises:
        DefinitionInvalid: always.

    """
    finding = Finding(
        level="schema", severity="error", code=code, message=message, path=path_text(path), suggestion=suggestion
    )
    raise DefinitionInvalid((finding,))
