"""What is different between two definitions, for people who decide whether a new version may replace an old one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

import msgspec

from penstock.domain.definition.findings import Path, path_text
from penstock.domain.definition.model import Graph, Step, Transition

Kind: TypeAlias = Literal["added", "removed", "changed"]
Subject: TypeAlias = Literal["definition", "input", "variable", "queue", "trigger", "transition", "step"]

_APART: Final = frozenset({"id", "version", "steps"})
_OF_STEPS: Final = frozenset({"id", "incoming", "outgoing"})
_ID: Final = frozenset({"id"})


class _Absent(Enum):
    ABSENT = "absent"


_ABSENT: Final = _Absent.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    ``name`` is that of the step, the transition, the variable ...; ``field`` what of it has changed (empty: the whole
    of it came or went). ``old`` and ``new`` are plain JSON.
    """

    kind: Kind
    subject: Subject
    name: str
    field: str
    path: str
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        return sentence(self)


def diff(old: Graph, new: Graph) -> tuple[Change, ...]:
    """
    Every change, those of the whole definition first, then step by step in the order of ``new``.

    Id and version are the names of what is compared, and do not count.
    """
    return (*_of_head(old, new), *_of_steps(old, new))


class _At:
    """Where changes are found, and what they are changes of."""

    def __init__(self, subject: Subject, name: str, path: Path, within: Path = ()) -> None:
        self.subject, self.name, self.path, self.within = subject, name, path, within

    def below(self, *parts: str | int) -> _At:
        return _At(self.subject, self.name, (*self.path, *parts), (*self.within, *parts))

    def change(self, old: Any = _ABSENT, new: Any = _ABSENT) -> Change:
        kind: Kind = "added" if old is _ABSENT else "removed" if new is _ABSENT else "changed"
        return Change(
            kind=kind,
            subject=self.subject,
            name=self.name,
            field=path_text(self.within),
            path=path_text(self.path),
            old=_plain(old),
            new=_plain(new),
        )


def _plain(value: Any) -> Any:
    return None if value is _ABSENT else msgspec.to_builtins(value)


def _of_head(old: Graph, new: Graph) -> Iterator[Change]:
    before, after = _fields(old, _APART), _fields(new, _APART)
    for name in _merged(before, after):
        was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
        match name:
            case "start":
                yield from _of_transitions(old.start, new.start, _At("definition", "", (name,), (name,)))
            case "input_schema":
                yield from _of_value(was, now, _At("input", "", (name,)))
            case "variables":
                yield from _of_entries(old.variables, new.variables, "variable", name)
            case "queues":
                yield from _of_entries(old.queues, new.queues, "queue", name)
            case "triggers":
                triggers = [{trigger.id: trigger for trigger in graph.triggers} for graph in (old, new)]
                yield from _of_entries(triggers[0], triggers[1], "trigger", name)
            case _:
                yield from _of_value(was, now, _At("definition", "", (name,), (name,)))


def _of_entries(old: Mapping[str, Any], new: Mapping[str, Any], subject: Subject, field: str) -> Iterator[Change]:
    for key in _merged(old, new):
        yield from _of_value(old.get(key, _ABSENT), new.get(key, _ABSENT), _At(subject, key, (field, key)))


def _of_steps(old: Graph, new: Graph) -> Iterator[Change]:
    for step_id in _merged(old.steps, new.steps):
        before, after = old.steps.get(step_id), new.steps.get(step_id)
        at = _At("step", step_id, ("steps", step_id))
        if before is not None and after is not None:
            yield from _of_step(before, after, at)
        else:
            yield at.change(before or _ABSENT, after or _ABSENT)
        leaving = [step.outgoing if step else () for step in (before, after)]
        yield from _of_transitions(leaving[0], leaving[1], at.below("outgoing"))


def _of_step(old: Step, new: Step, at: _At) -> Iterator[Change]:
    before, after = _fields(old, _OF_STEPS), _fields(new, _OF_STEPS)
    if kind_of(old) != kind_of(new):
        yield at.below("kind").change(kind_of(old), kind_of(new))
        before, after = _said(old, before, after), _said(new, after, before)
    yield from _of_value(before, after, at)


def _said(step: Step, own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Without the defaults of those fields that only this kind has."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(step)}
    return {name: value for name, value in own.items() if name in other or value != defaults[name]}


def kind_of(step: Step) -> str:
    """The kind as it stands in the compiled graph."""
    return str(type(step).__struct_config__.tag)


def _of_transitions(old: Iterable[Transition], new: Iterable[Transition], at: _At) -> Iterator[Change]:
    """``at`` is the place of all of them; their order counts, for the first whose condition holds is taken."""
    before, after = {t.id: t for t in old}, {t.id: t for t in new}
    for own_id in _merged(before, after):
        here = _At("transition", own_id, (*at.path, own_id))
        yield from _of_value(before.get(own_id, _ABSENT), after.get(own_id, _ABSENT), here)
    kept = [[own_id for own_id in one if own_id in other] for one, other in ((before, after), (after, before))]
    if kept[0] != kept[1]:
        yield at.change(kept[0], kept[1])


def _of_value(old: Any, new: Any, at: _At) -> Iterator[Change]:
    """The smallest parts that differ: mappings and structs by key, lists of one length by place."""
    if old is _ABSENT or new is _ABSENT:
        yield at.change(old, new)
        return
    if isinstance(old, msgspec.Struct) and isinstance(new, msgspec.Struct):
        old, new = _fields(old, _ID), _fields(new, _ID)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in _merged(old, new):
            yield from _of_value(old.get(key, _ABSENT), new.get(key, _ABSENT), at.below(key))
    elif isinstance(old, tuple | list) and isinstance(new, tuple | list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _of_value(one, other, at.below(index))
    elif type(old) is not type(new) or old != new:
        yield at.change(old, new)


def _fields(struct: msgspec.Struct, without: frozenset[str]) -> dict[str, Any]:
    """What the struct says; nothing, where that is the default, is not said."""
    fields = [field for field in msgspec.structs.fields(struct) if field.name not in without]
    values = [(field, getattr(struct, field.name)) for field in fields]
    return {field.name: value for field, value in values if value is not None or field.default is not None}


def _merged(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """The keys of both in the order of ``new``; what is gone comes after what it followed in ``old``."""
    kept = dict.fromkeys(new)
    gone: dict[str | None, list[str]] = {}
    anchor: str | None = None
    for key in old:
        if key in kept:
            anchor = key
        else:
            gone.setdefault(anchor, []).append(key)
    yield from gone.get(None, ())
    for key in kept:
        yield key
        yield from gone.get(key, ())


_SHOWN: Final = 80
_FIELDS: Final = {
    ("transition", "when"): "condition",
    ("step", "outgoing"): "order of the ways out",
    ("definition", "start"): "order of the starts",
}


def sentence(change: Change) -> str:
    """One line for people."""
    about = _named(change)
    if change.field:
        about += f": {_FIELDS.get((change.subject, change.field), change.field)}"
    elif change.subject == "step":
        about += f" ({(change.new or change.old)['type']})"
    elif change.subject == "transition":
        about += _condition(change.new or change.old)
    told = bool(change.field) or change.subject not in ("step", "transition")
    match change.kind:
        case "added":
            return f"{about} is new: {_shown(change.new)}" if told else f"{about} is new"
        case "removed":
            return f"{about} is gone, and was {_shown(change.old)}" if told else f"{about} is gone"
        case "changed":
            return f"{about} is {_shown(change.new)}, and was {_shown(change.old)}"


def _named(change: Change) -> str:
    return " ".join(word for word in (change.subject, change.name) if word)


def _condition(transition: Mapping[str, Any]) -> str:
    if transition.get("when") is not None:
        return f" (when {transition['when']})"
    return " (otherwise)" if transition.get("otherwise") else ""


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value else msgspec.json.encode(value).decode()
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
