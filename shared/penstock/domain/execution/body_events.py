"""What happens to steps that contain others: blocks, copies, sub-workflows, compensation."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from penstock.domain.errors import Failure
from penstock.domain.execution.happened import Evaluation, Happened
from penstock.domain.execution.task_events import Undoing


class BlockStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A body was entered, or a loop begins its next ``round``; ``taken`` are ways in, in the visit's own scope."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    round: int = 1
    variables: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class BlockCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    undo: Undoing | None = None
    by: str | None = None


class EachStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    Copies are to be made of a body. ``items`` is the first page of the items; the others follow as ``items_added``.

    ``item`` is the name under which a copy sees its own; ``at_once`` bounds the open copies; ``into`` is the variable
    that gets the results.
    """

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    items: list[Any] = []
    item: str = "item"
    at_once: int = 100
    into: str | None = None


class ItemsAdded(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """A page of items more; ``by`` added them while the copies were under way."""

    visit: int
    step: str
    items: list[Any]
    by: str | None = None


class CopyStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """``visit`` is the copy's own, ``scope`` that of its for-each; ``index`` counts from 0, ``variables`` are local."""

    visit: int
    step: str
    scope: int
    index: int
    variables: dict[str, Any] = {}
    taken: tuple[str, ...] = ()


class CopyCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """``evaluations`` holds the condition that says whether this is enough, where there is one."""

    visit: int
    step: str
    index: int
    result: Any = None
    evaluations: tuple[Evaluation, ...] = ()


class EachLeft(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """The token goes on while copies are still under way; ``closed``: no further copy is started."""

    visit: int
    step: str
    closed: bool = False
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class EachCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """All copies are over. The results, in the order of the items, are the ones that ``copy_completed`` gave."""

    visit: int
    step: str
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    by: str | None = None


class ChildStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Another execution was asked for, and the visit waits for it. ``again``: it failed and is retried."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    child: str
    definition: str
    version: str | None = None
    input: dict[str, Any] = {}
    depth: int = 1
    again: bool = False


class ChildDetached(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """Another execution was asked for, and nobody waits for it."""

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    child: str
    definition: str
    version: str | None = None
    input: dict[str, Any] = {}
    depth: int = 1
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


class ChildCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """``by`` completed the visit by hand: the child is terminated."""

    visit: int
    step: str
    child: str
    output: Any = None
    keep: bool = False
    set: dict[str, Any] = {}
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    undo: Undoing | None = None
    by: str | None = None


class ChildFailed(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    child: str
    failure: Failure


class CompensationStarted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    """
    Completed visits are undone: ``visits``, in this order, or all at once where it is ``parallel``.

    ``then`` "cancelled" ends the execution afterwards, for ``reason``.
    """

    visit: int
    step: str
    scope: int = 0
    consumed: tuple[str, ...] = ()
    visits: tuple[int, ...] = ()
    parallel: bool = False
    then: Literal["go_on", "cancelled"] = "go_on"
    reason: str = ""
    by: str = "system"


class CompensationCompleted(Happened, frozen=True, kw_only=True, omit_defaults=True):
    visit: int
    step: str
    taken: tuple[str, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()


BodyEvent: TypeAlias = (
    BlockStarted
    | BlockCompleted
    | EachStarted
    | ItemsAdded
    | CopyStarted
    | CopyCompleted
    | EachLeft
    | EachCompleted
    | ChildStarted
    | ChildDetached
    | ChildCompleted
    | ChildFailed
    | CompensationStarted
    | CompensationCompleted
)
